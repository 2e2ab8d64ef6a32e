//! Orders to keep: what stands under one is neither erased nor forgotten with time.

use std::collections::BTreeMap;

use rapport_foundation::db::bulk;
use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{ConversationId, CustomerId, LegalHoldId, TenantId};
use rapport_foundation::personal::Personal;
use rapport_foundation::seal::{DataKey, SubjectKeys};
use rapport_foundation::time::Micros;
use sea_orm::{QueryResult, Value};
use uuid::Uuid;

use super::wanted::{WANTED, wanted};
use super::{Store, erasure};
use crate::domain::retention::{LegalHold, Over};

const EVERYTHING: i16 = 1;
const CUSTOMER: i16 = 2;
const CONVERSATION: i16 = 3;

/// The holds that stand over a customer, as a condition: also of one who was known under another id before a merge.
fn over_customers(customers: &str) -> String {
    format!(
        "h.tenant_id = $1 and h.released_at = 0 and (h.reach = {EVERYTHING} or (h.reach = {CUSTOMER} and h.target in {customers}))"
    )
}

/// Which of these contacts must be kept, and by which hold.
pub(super) async fn over(s: &Scoped, ids: &[Uuid]) -> Result<BTreeMap<Uuid, LegalHoldId>, Error> {
    let any = "select 1 as one from legal_hold where tenant_id = $1 and released_at = 0 limit 1";
    if s.raw_one(any, []).await?.is_none() {
        return Ok(BTreeMap::new());
    }
    let theirs = "(select m.customer_id from interaction_link l cross join record_customer m where l.tenant_id = $1 \
         and l.interaction_id = i.id and m.tenant_id = $1 and m.record_id = l.record_id union \
         select m.origin_id from interaction_link l cross join record_customer m where l.tenant_id = $1 \
         and l.interaction_id = i.id and m.tenant_id = $1 and m.record_id = l.record_id)";
    // A conversation is a view: what became one with it later is the same matter, and what was logged in it stays so.
    let root = |of: &str| {
        format!(
            "coalesce((select r.root_id from conversation_root r where r.tenant_id = $1 and r.conversation_id = {of}), {of})"
        )
    };
    let whole = root(
        "coalesce((select p.conversation_id from interaction_piece p where p.tenant_id = $1 and p.interaction_id = i.id), \
         i.conversation_id)",
    );
    let whole_held = root("h.target");
    let query = format!(
        "select i.id as contact, h.id from k cross join interaction i cross join legal_hold h \
         where i.tenant_id = $1 and i.id = k.wanted and (({customers}) or (h.tenant_id = $1 and h.released_at = 0 \
         and h.reach = {CONVERSATION} and (h.target = i.conversation_id or {whole_held} = {whole})))",
        customers = over_customers(theirs),
    );
    let mut held = BTreeMap::new();
    for row in bulk::select(s, &WANTED, wanted(ids.iter().copied()), &query).await? {
        let hold = LegalHoldId::from_uuid(row.try_get("", "id")?);
        held.entry(row.try_get("", "contact")?).or_insert(hold);
    }
    Ok(held)
}

/// A hold over a customer, if there is one.
pub(super) async fn over_customer(
    s: &Scoped,
    customer: CustomerId,
) -> Result<Option<LegalHoldId>, Error> {
    let theirs = "(select customer_id from record_customer where tenant_id = $1 and customer_id = $2 union \
         select origin_id from record_customer where tenant_id = $1 and customer_id = $2 union select $2)";
    let sql = format!(
        "select h.id from legal_hold h where {} order by h.id limit 1",
        over_customers(theirs)
    );
    let row = s.raw_one(&sql, [customer.uuid().into()]).await?;
    row.map(|row| Ok(LegalHoldId::from_uuid(row.try_get("", "id")?)))
        .transpose()
}

impl Store {
    /// Places a hold.
    pub(crate) async fn place_hold(&self, s: &Scoped, hold: &LegalHold) -> Result<(), Error> {
        // What is erased at the same time is gone before, or kept.
        erasure::one_at_a_time(s).await?;
        let key = self.hold_key(s, hold.id).await?;
        let (over, target) = match hold.over {
            Over::Everything => (EVERYTHING, Uuid::nil()),
            Over::Customer(customer) => (CUSTOMER, customer.uuid()),
            Over::Conversation(conversation) => (CONVERSATION, conversation.uuid()),
        };
        let values: [Value; 6] = [
            hold.id.uuid().into(),
            over.into(),
            target.into(),
            key.seal_text(&hold.reason, &row(hold.id, "reason")).into(),
            hold.placed_at.0.into(),
            Vec::<u8>::new().into(),
        ];
        let sql = "insert into legal_hold (tenant_id, id, reach, target, reason, placed_at, released_at, release_reason) \
                   values ($1, $2, $3, $4, $5, $6, 0, $7)";
        s.raw_exec(sql, values).await?;
        Ok(())
    }

    /// Ends a hold; answers whether it stood.
    pub(crate) async fn release_hold(
        &self,
        s: &Scoped,
        id: LegalHoldId,
        reason: &Personal,
        now: Micros,
    ) -> Result<bool, Error> {
        let key = self.hold_key(s, id).await?;
        let values: [Value; 3] = [
            id.uuid().into(),
            now.0.into(),
            key.seal_text(reason, &row(id, "release")).into(),
        ];
        let sql = "update legal_hold set released_at = $3, release_reason = $4 \
                   where tenant_id = $1 and id = $2 and released_at = 0";
        Ok(s.raw_exec(sql, values).await? > 0)
    }

    /// One hold.
    pub(crate) async fn hold(
        &self,
        s: &Scoped,
        id: LegalHoldId,
    ) -> Result<Option<LegalHold>, Error> {
        let sql = "select * from legal_hold where tenant_id = $1 and id = $2";
        let found = s.raw_one(sql, [id.uuid().into()]).await?;
        let holds = self.read_holds(s, found.into_iter().collect()).await?;
        Ok(holds.into_iter().next())
    }

    /// Holds below an id, the newest first; all of them, or those that stand.
    pub(crate) async fn holds(
        &self,
        tenant: TenantId,
        standing: bool,
        before: Option<Uuid>,
        most: u64,
    ) -> Result<Vec<LegalHold>, Error> {
        let stands = if standing { "and released_at = 0" } else { "" };
        let sql = format!(
            "select * from legal_hold where tenant_id = $1 and id < $2 {stands} order by id desc limit {most}"
        );
        let before = before.unwrap_or(Uuid::max());
        self.db
            .read(tenant, async |s| {
                let found = s.raw_all(&sql, [before.into()]).await?;
                self.read_holds(&s, found).await
            })
            .await
    }

    async fn hold_key(&self, s: &Scoped, id: LegalHoldId) -> Result<DataKey, Error> {
        let subject = id.to_string();
        let keys = self.vault.keys(s, std::slice::from_ref(&subject)).await?;
        keys.require(&subject)
    }

    async fn read_holds(
        &self,
        s: &Scoped,
        rows: Vec<QueryResult>,
    ) -> Result<Vec<LegalHold>, Error> {
        let mut subjects = Vec::with_capacity(rows.len());
        for row in &rows {
            subjects.push(LegalHoldId::from_uuid(row.try_get("", "id")?).to_string());
        }
        let keys = self.vault.existing(s, &subjects).await?;
        rows.iter().map(|row| read(row, &keys)).collect()
    }
}

fn row(id: LegalHoldId, column: &str) -> Vec<u8> {
    format!("interactions/hold/{id}/{column}").into_bytes()
}

fn read(found: &QueryResult, keys: &SubjectKeys) -> Result<LegalHold, Error> {
    let id = LegalHoldId::from_uuid(found.try_get("", "id")?);
    let key = keys.require(&id.to_string())?;
    let target: Uuid = found.try_get("", "target")?;
    let over = match found.try_get("", "reach")? {
        EVERYTHING => Over::Everything,
        CUSTOMER => Over::Customer(CustomerId::from_uuid(target)),
        CONVERSATION => Over::Conversation(ConversationId::from_uuid(target)),
        _ => return Err(Error::Corrupt("a stored code is not known")),
    };
    let reason: Vec<u8> = found.try_get("", "reason")?;
    let released_at = Micros(found.try_get("", "released_at")?);
    let released = if released_at > Micros(0) {
        let reason: Vec<u8> = found.try_get("", "release_reason")?;
        Some((released_at, key.open_text(&reason, &row(id, "release"))?))
    } else {
        None
    };
    Ok(LegalHold {
        id,
        over,
        reason: key.open_text(&reason, &row(id, "reason"))?,
        placed_at: Micros(found.try_get("", "placed_at")?),
        released,
    })
}
