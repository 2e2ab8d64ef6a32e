//! Edges: added, revoked, never removed.

use std::collections::BTreeSet;

use rapport_foundation::db::Error;
use rapport_foundation::id::{CustomerId, EdgeId, RecordId};
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;
use sea_orm::{ActiveValue::Set, ColumnTrait as _, QueryFilter as _, Value};
use uuid::Uuid;

use super::Rows;
use super::customers::chunks;
use super::entities::edges::{ActiveModel, Column, Entity};
use super::identifiers::placeholders;
use super::sealing::{EDGE_REASON, EDGE_REVOKE_REASON};
use crate::domain::edge::{Basis, Edge, EdgeKind};

/// Customers of one statement.
const CUSTOMERS: usize = 400;

/// Who revokes an edge, when and why.
#[derive(Debug, Clone)]
pub struct Revocation<'a> {
    /// The principal.
    pub by: &'a str,
    /// When.
    pub at: Micros,
    /// What they said.
    pub reason: Option<&'a Personal>,
}

/// A pair of customers, smaller id first.
pub(super) type Pair = (CustomerId, CustomerId);

impl Rows {
    /// Stores new edges.
    ///
    /// # Errors
    /// [`Error::Unique`] when the same thing is held between two of the records already.
    pub async fn insert_edges(&self, edges: &[Edge]) -> Result<(), Error> {
        let spoken = edges.iter().filter(|edge| edge.reason.is_some());
        let subjects: Vec<String> = spoken.map(|edge| edge.from.to_string()).collect();
        let keys = self.vault.keys(&self.s, &subjects).await?;
        let rows: Result<Vec<ActiveModel>, Error> = edges
            .iter()
            .map(|edge| {
                let (subject, said) = (edge.from.to_string(), edge.reason.as_ref());
                Ok(ActiveModel {
                    id: Set(edge.id.uuid()),
                    kind: Set(edge.kind.code()),
                    basis: Set(edge.basis.code()),
                    from_record: Set(edge.from.uuid()),
                    to_record: Set(edge.to.uuid()),
                    weight: Set(edge.weight),
                    explanation: Set(serde_json::to_value(&edge.explanation).unwrap_or_default()),
                    created_by: Set(edge.created_by.clone()),
                    created_at: Set(edge.created_at),
                    reason: Set(EDGE_REASON.seal_optional(
                        &keys,
                        &subject,
                        edge.id.uuid(),
                        said,
                    )?),
                    revoked_at: Set(edge.revoked_at),
                    revoked_by: Set(None),
                    revoke_reason: Set(None),
                    version: Set(edge.version),
                    ..ActiveModel::default()
                })
            })
            .collect();
        for chunk in chunks(rows?) {
            self.s.insert_many(chunk).await?;
        }
        Ok(())
    }

    /// Revokes the merge that made a customer part of another, and answers whether there was one. `founder` is the
    /// record the merged customer began with.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn revoke_merge(
        &self,
        founder: RecordId,
        revocation: &Revocation<'_>,
    ) -> Result<bool, Error> {
        let row = self
            .s
            .find::<Entity>()
            .filter(Column::FromRecord.eq(founder.uuid()))
            .filter(Column::Basis.eq(Basis::Merge.code()))
            .filter(Column::RevokedAt.is_null())
            .one()
            .await?;
        match row {
            Some(row) => {
                self.revoke(row.id, row.from_record, row.version, revocation)
                    .await?;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// Revokes the decisions that keep two groups of customers apart.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn revoke_decisions_between(
        &self,
        ones: &BTreeSet<CustomerId>,
        others: &BTreeSet<CustomerId>,
        revocation: &Revocation<'_>,
    ) -> Result<(), Error> {
        let all: Vec<CustomerId> = ones.union(others).copied().collect();
        for held in self.holding(&all, &[EdgeKind::MustNotLink]).await? {
            let (from, to) = (held.from_home, held.to_home);
            let between = (ones.contains(&from) && others.contains(&to))
                || (others.contains(&from) && ones.contains(&to));
            if between {
                self.revoke(held.id.uuid(), held.from_record, held.version, revocation)
                    .await?;
            }
        }
        Ok(())
    }

    /// Pairs of whole customers that are suspected to be the same, and pairs that are decided to be different.
    /// Only pairs with one of these customers, each given with the parts (homes) it is made of.
    pub(super) async fn suspected_and_apart(
        &self,
        homes: &[CustomerId],
    ) -> Result<(BTreeSet<Pair>, BTreeSet<Pair>), Error> {
        let kinds = [EdgeKind::PossibleSameAs, EdgeKind::MustNotLink];
        let (mut suspected, mut apart) = (BTreeSet::new(), BTreeSet::new());
        for held in self.holding(homes, &kinds).await? {
            let pair = (
                held.from_customer.min(held.to_customer),
                held.from_customer.max(held.to_customer),
            );
            if held.kind == EdgeKind::MustNotLink {
                apart.insert(pair);
            } else {
                suspected.insert(pair);
            }
        }
        Ok((suspected, apart))
    }

    async fn holding(
        &self,
        homes: &[CustomerId],
        kinds: &[EdgeKind],
    ) -> Result<Vec<Holding>, Error> {
        let kinds: Vec<String> = kinds.iter().map(|kind| kind.code().to_string()).collect();
        let kinds = kinds.join(", ");
        let mut found = Vec::new();
        for chunk in homes.chunks(CUSTOMERS) {
            let ids: Vec<Value> = chunk.iter().map(|id| Value::from(*id)).collect();
            for side in ["from_record", "to_record"] {
                let sql = holding_sql(side, &kinds, ids.len());
                for row in self.s.raw_all(&sql, ids.clone()).await? {
                    found.push(Holding {
                        id: EdgeId::from_uuid(row.try_get("", "id")?),
                        kind: EdgeKind::from_code(row.try_get("", "kind")?)
                            .ok_or(Error::Corrupt("an unknown edge kind"))?,
                        version: row.try_get("", "version")?,
                        from_record: row.try_get("", "from_record")?,
                        from_home: CustomerId::from_uuid(row.try_get("", "from_home")?),
                        to_home: CustomerId::from_uuid(row.try_get("", "to_home")?),
                        from_customer: CustomerId::from_uuid(row.try_get("", "from_customer")?),
                        to_customer: CustomerId::from_uuid(row.try_get("", "to_customer")?),
                    });
                }
            }
        }
        found.sort_by_key(|held| held.id);
        found.dedup_by_key(|held| held.id);
        Ok(found)
    }

    async fn revoke(
        &self,
        id: Uuid,
        from: Uuid,
        version: i64,
        revocation: &Revocation<'_>,
    ) -> Result<(), Error> {
        let subject = RecordId::from_uuid(from).to_string();
        let keys = self
            .vault
            .keys(&self.s, std::slice::from_ref(&subject))
            .await?;
        let change = ActiveModel {
            revoked_at: Set(Some(revocation.at)),
            revoked_by: Set(Some(revocation.by.to_owned())),
            revoke_reason: Set(EDGE_REVOKE_REASON.seal_optional(
                &keys,
                &subject,
                id,
                revocation.reason,
            )?),
            version: Set(version + 1),
            ..ActiveModel::default()
        };
        let revoked = self
            .s
            .update_where::<Entity>(|update| {
                update
                    .set(change)
                    .filter(Column::Id.eq(id))
                    .filter(Column::Version.eq(version))
            })
            .await?;
        self.s.stale_if_none(revoked)
    }
}

/// Edges of some kinds at one side of the records of so many homes. Cross joins keep SQLite in this order.
pub(super) fn holding_sql(side: &str, kinds: &str, count: usize) -> String {
    format!(
        "select e.id, e.kind, e.version, e.from_record, fc.id as from_home, tc.id as to_home, \
                fc.part_of as from_customer, tc.part_of as to_customer \
         from records r cross join edges e cross join records fr cross join records tr \
              cross join customers fc cross join customers tc \
         where r.tenant_id = $1 and r.customer_id in ({}) \
           and e.tenant_id = r.tenant_id and e.{side} = r.id and e.revoked_at is null and e.kind in ({kinds}) \
           and fr.tenant_id = e.tenant_id and fr.id = e.from_record \
           and tr.tenant_id = e.tenant_id and tr.id = e.to_record \
           and fc.tenant_id = fr.tenant_id and fc.id = fr.customer_id \
           and tc.tenant_id = tr.tenant_id and tc.id = tr.customer_id",
        placeholders(2, count)
    )
}

/// An edge that holds, with the customers of its ends.
struct Holding {
    id: EdgeId,
    kind: EdgeKind,
    version: i64,
    from_record: Uuid,
    from_home: CustomerId,
    to_home: CustomerId,
    from_customer: CustomerId,
    to_customer: CustomerId,
}
