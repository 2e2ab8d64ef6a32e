//! Erasing a customer: everything they took part in, on all of their records, in one transaction.

use std::collections::BTreeSet;
use std::time::Duration;

use rapport_foundation::db::bulk::{self, Type};
use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{CustomerId, LegalHoldId, RecordId};
use rapport_foundation::seal::Subject;
use rapport_foundation::time::Micros;
use sea_orm::{QueryResult, Value};
use uuid::Uuid;

use super::forget::{NOTE, forget};
use super::{Store, holds};
use crate::domain::LinkState;

/// The customer's records, as a condition.
const RECORDS: &str =
    "(select record_id from record_customer where tenant_id = $1 and customer_id = $2)";
const SUBJECT: [(&str, Type); 2] = [("subject", Type::Text), ("since", Type::Uuid)];
/// How long what was logged may take until it is in the index, at most.
const RECENT: Duration = Duration::from_secs(600);

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Erased {
    pub(crate) records: Vec<RecordId>,
    pub(crate) interactions: u64,
}

/// What became of an erasure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Erasure {
    /// It is done.
    Done(Erased),
    /// Something of it must be kept.
    Held(LegalHoldId),
}

/// When something is erased, and until when a repetition of it is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: Micros,
    pub(crate) until: Micros,
}

impl Store {
    /// Erases a customer. Contacts that nobody was recognised in go as well where they carry an identifier of theirs.
    pub(crate) async fn erase_customer(
        &self,
        s: &Scoped,
        customer: CustomerId,
        moment: Moment,
    ) -> Result<Erasure, Error> {
        self.count_erasure(s).await?;
        if let Some(hold) = holds::over_customer(s, customer).await? {
            return Ok(Erasure::Held(hold));
        }
        let records = column(
            s,
            "record_id",
            &format!("select record_id from {RECORDS} r"),
            customer,
        )
        .await?;
        let linked = format!(
            "select interaction_id from interaction_link where tenant_id = $1 and record_id in {RECORDS}"
        );
        let mut contacts = column(s, "interaction_id", &linked, customer).await?;
        let subjects = subjects(s, customer).await?;
        contacts.extend(unrecognised(s, &subjects, moment.now).await?);
        if let Some(hold) = holds::over(s, &contacts).await?.into_values().next() {
            return Ok(Erasure::Held(hold));
        }
        let interactions = forget(s, &self.vault, &contacts, moment.until).await?;
        whose(s, customer).await?;
        for subject in unused(s, &subjects, moment.now).await? {
            self.vault.destroy(s, &subject).await?;
        }
        Ok(Erasure::Done(Erased {
            records: records.into_iter().map(RecordId::from_uuid).collect(),
            interactions,
        }))
    }

    /// Counts an erasure: one at a time for each tenant, and keys that are held in memory are read again, also by other
    /// replicas.
    async fn count_erasure(&self, s: &Scoped) -> Result<(), Error> {
        let sql = "insert into erasure_state (tenant_id, erasures) values ($1, 1) \
                   on conflict (tenant_id) do update set erasures = erasure_state.erasures + 1";
        s.raw_exec(sql, []).await?;
        let (store, tenant, erasures) = (self.clone(), s.tenant(), erasures(s).await?);
        s.after_commit(move || store.vault.erased(tenant, erasures));
        Ok(())
    }
}

/// What is erased, forgotten and held of a tenant comes one after the other.
pub(super) async fn one_at_a_time(s: &Scoped) -> Result<(), Error> {
    let sql = "insert into erasure_state (tenant_id, erasures) values ($1, 0) \
               on conflict (tenant_id) do update set erasures = erasure_state.erasures";
    s.raw_exec(sql, []).await?;
    Ok(())
}

/// How often customers of a tenant were erased.
async fn erasures(s: &Scoped) -> Result<i64, Error> {
    let sql = "select erasures from erasure_state where tenant_id = $1";
    let row = s.raw_one(sql, []).await?;
    Ok(row.map_or(Ok(0), |row| row.try_get("", "erasures"))?)
}

async fn column(
    s: &Scoped,
    name: &str,
    sql: &str,
    customer: CustomerId,
) -> Result<Vec<Uuid>, Error> {
    let rows = s.raw_all(sql, [customer.uuid().into()]).await?;
    rows.iter().map(|row| Ok(row.try_get("", name)?)).collect()
}

/// Whose keys seal what the customer took part in.
async fn subjects(s: &Scoped, customer: CustomerId) -> Result<Vec<Subject>, Error> {
    let sql = format!(
        "select distinct i.subject_key from interaction_link l cross join interaction i \
         where l.tenant_id = $1 and l.record_id in {RECORDS} and i.tenant_id = $1 and i.id = l.interaction_id \
         and length(i.content_digest) > 0"
    );
    let rows = s.raw_all(&sql, [customer.uuid().into()]).await?;
    rows.iter().map(subject).collect()
}

fn subject(row: &QueryResult) -> Result<Subject, Error> {
    Ok(row.try_get("", "subject_key")?)
}

/// Subjects, and the least id of what was logged lately: ids are made of the time.
fn named(subjects: &[Subject], now: Micros) -> Vec<Vec<Value>> {
    let since = u128::try_from((now - RECENT).0 / 1000).unwrap_or(0) << 80;
    let since = Uuid::from_u128(since);
    let row = |one: &Subject| vec![one.as_str().into(), since.into()];
    subjects.iter().map(row).collect()
}

/// Contacts under these keys that are nobody's, or whose customer is still to be found.
async fn unrecognised(
    s: &Scoped,
    subjects: &[Subject],
    now: Micros,
) -> Result<BTreeSet<Uuid>, Error> {
    let nobodys = LinkState::Anonymous.code();
    let known = format!(
        "select e.interaction_id from k cross join search_entry e left join interaction_link l \
         on l.tenant_id = e.tenant_id and l.interaction_id = e.interaction_id \
         where e.tenant_id = $1 and e.subject_key = k.subject and (l.state is null or l.state = {nobodys})"
    );
    let pending = "select p.interaction_id from k cross join pending_link p cross join interaction i \
         where p.tenant_id = $1 and i.tenant_id = $1 and i.id = p.interaction_id and i.subject_key = k.subject";
    let recent = format!(
        "{} and not exists (select 1 from interaction_link l where l.tenant_id = $1 and l.interaction_id = i.id)",
        recent("i.id as interaction_id")
    );
    let mut found = BTreeSet::new();
    for query in [known.as_str(), pending, recent.as_str()] {
        for row in bulk::select(s, &SUBJECT, named(subjects, now), query).await? {
            found.insert(row.try_get("", "interaction_id")?);
        }
    }
    Ok(found)
}

/// Contacts of the last minutes under these keys: they may not be in the index yet. Ids are made of the time.
fn recent(columns: &str) -> String {
    format!(
        "select {columns} from k cross join interaction i where i.tenant_id = $1 and i.id > k.since \
         and i.subject_key = k.subject and length(i.content_digest) > 0"
    )
}

/// What others said of the customer goes, and it is forgotten which contacts and matters were theirs.
async fn whose(s: &Scoped, customer: CustomerId) -> Result<(), Error> {
    let matters = format!("conversation_link where tenant_id = $1 and record_id in {RECORDS}");
    for sql in [
        format!(
            "delete from timeline_projection where tenant_id = $1 and (record_id in {RECORDS} \
             or conversation_id in (select conversation_id from {matters}))"
        ),
        format!("delete from {matters}"),
    ] {
        s.raw_exec(&sql, [customer.uuid().into()]).await?;
    }
    let links = format!(
        "update interaction_link set state = $3, record_id = $4, note = $5 \
         where tenant_id = $1 and record_id in {RECORDS}"
    );
    let values: [Value; 4] = [
        customer.uuid().into(),
        LinkState::Anonymous.code().into(),
        Uuid::nil().into(),
        NOTE.into(),
    ];
    s.raw_exec(&links, values).await?;
    Ok(())
}

/// Those of these keys that seal nothing more: a number may have been given to somebody else meanwhile.
async fn unused(s: &Scoped, subjects: &[Subject], now: Micros) -> Result<BTreeSet<Subject>, Error> {
    let known = "select distinct e.subject_key from k cross join search_entry e \
                 where e.tenant_id = $1 and e.subject_key = k.subject";
    let recent = recent("distinct i.subject_key");
    let mut unused: BTreeSet<Subject> = subjects.iter().cloned().collect();
    for query in [known, recent.as_str()] {
        for row in bulk::select(s, &SUBJECT, named(subjects, now), query).await? {
            unused.remove(&subject(&row)?);
        }
    }
    Ok(unused)
}
