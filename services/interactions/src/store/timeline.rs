//! Everything of one customer, over all the records that are theirs now.

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{CustomerId, TenantId};
use sea_orm::Value;
use uuid::Uuid;

use super::interactions::{Sized, sized};
use super::{Store, projections};
use crate::domain::{Change, Place};

/// The customer's records, as a condition.
const RECORDS: &str =
    "(select record_id from record_customer where tenant_id = $1 and customer_id = $2)";

/// The conversations of the customer, with all that is one with them.
const CONVERSATIONS: &str = "(with own as (select distinct coalesce(r.root_id, l.conversation_id) as id \
     from record_customer m cross join conversation_link l left join conversation_root r \
     on r.tenant_id = l.tenant_id and r.conversation_id = l.conversation_id where m.tenant_id = $1 \
     and m.customer_id = $2 and l.tenant_id = $1 and l.record_id = m.record_id) select id from own union \
     select r.conversation_id from own cross join conversation_root r where r.tenant_id = $1 and r.root_id = own.id)";

impl Store {
    /// Changes of a customer behind a place, newest first.
    pub(crate) async fn changes(
        &self,
        tenant: TenantId,
        customer: CustomerId,
        behind: Option<Place>,
        most: u64,
    ) -> Result<Vec<(Place, Change)>, Error> {
        let values = values(customer, behind);
        self.db
            .read(tenant, async |s| {
                changes(&s, behind, most, values.clone()).await
            })
            .await
    }

    /// Contacts and changes of a customer behind a place, each newest first.
    pub(crate) async fn timeline(
        &self,
        tenant: TenantId,
        customer: CustomerId,
        behind: Option<Place>,
        most: u64,
    ) -> Result<(Vec<Sized>, Vec<(Place, Change)>), Error> {
        let values = values(customer, behind);
        self.db
            .read(tenant, async |s| {
                let contacts = contacts(&s, behind, most, values.clone()).await?;
                Ok((contacts, changes(&s, behind, most, values.clone()).await?))
            })
            .await
    }
}

fn values(customer: CustomerId, behind: Option<Place>) -> Vec<Value> {
    let mut values: Vec<Value> = vec![customer.uuid().into()];
    let places = behind.iter();
    values.extend(places.flat_map(|place| [Value::from(place.at.0), place.id.into()]));
    values
}

async fn contacts(
    s: &Scoped,
    behind: Option<Place>,
    most: u64,
    values: Vec<Value>,
) -> Result<Vec<Sized>, Error> {
    let behind = if behind.is_some() {
        "and (l.event_at, l.interaction_id) < ($3, $4)"
    } else {
        ""
    };
    // The page is chosen from the links alone; only what is on it is looked up.
    let sql = format!(
        "select l.event_at as at, l.interaction_id as id, cast(length(i.body) as bigint) as size \
         from (select event_at, interaction_id from interaction_link l \
         where l.tenant_id = $1 and l.record_id in {RECORDS} {behind} \
         order by l.event_at desc, l.interaction_id desc limit {most}) l \
         cross join interaction i where i.tenant_id = $1 and i.id = l.interaction_id \
         order by l.event_at desc, l.interaction_id desc"
    );
    let rows = s.raw_all(&sql, values).await?;
    rows.iter().map(sized).collect()
}

/// A ticket may be opened before anybody knows whose it is: such a change belongs to whom its conversation turned out
/// to belong to.
async fn changes(
    s: &Scoped,
    behind: Option<Place>,
    most: u64,
    mut values: Vec<Value>,
) -> Result<Vec<(Place, Change)>, Error> {
    let behind = if behind.is_some() {
        "where (p.at, p.event_id) < ($3, $4)"
    } else {
        ""
    };
    values.push(Uuid::nil().into());
    let nobody = values.len() + 1;
    let sql = format!(
        "select p.* from (select * from timeline_projection where tenant_id = $1 and record_id in {RECORDS} \
         union all select * from timeline_projection where tenant_id = $1 and record_id = ${nobody} \
         and conversation_id in {CONVERSATIONS}) p {behind} \
         order by p.at desc, p.event_id desc limit {most}"
    );
    let rows = s.raw_all(&sql, values).await?;
    rows.iter().map(projections::read).collect()
}
