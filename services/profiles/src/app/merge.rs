//! `MergeCustomers` and `UnmergeCustomers`.

use std::collections::BTreeSet;

use rapport_foundation::context::Context;
use rapport_foundation::events::{Data, append};
use rapport_foundation::id::CustomerId;
use rapport_proto::events::v1::{CustomersMerged, CustomersUnmerged, RecordMove};

use super::command::Merge;
use super::{App, author, customer, event, matches, raced_when_taken, replayed, shown};
use crate::domain::customer::{Customer, Shown, State};
use crate::domain::merge::{Decided, merge, parts_of, unmerge};
use crate::error::Error;
use crate::store::{Revocation, Rows};

impl App {
    /// Makes one customer part of another. An earlier decision that they are different is revoked: whoever merges
    /// them now has decided anew.
    ///
    /// # Errors
    /// [`Error::NoCustomer`], [`Error::Unchangeable`], [`Error::EtagMismatch`].
    pub async fn merge_customers(&self, ctx: &Context, command: &Merge) -> Result<Shown, Error> {
        let app = self;
        self.store
            .write(ctx.tenant, |rows| async move {
                if !replayed(&rows, &command.key).await? {
                    let version = app.merged(&rows, author(ctx), command).await?;
                    command
                        .key
                        .settle(rows.scoped(), command.customer.uuid(), version)
                        .await?;
                }
                shown(&rows, command.customer).await
            })
            .await
    }

    async fn merged(&self, rows: &Rows, by: &str, command: &Merge) -> Result<i64, Error> {
        rows.lock([command.customer, command.other]).await?;
        let remaining = customer(rows, command.customer).await?;
        let merged = customer(rows, command.other).await?;
        matches(&remaining, command.version)?;
        let at = self.clock.now();
        let decided = Decided {
            by,
            at,
            reason: command.reason.clone(),
        };
        let edge = merge(&remaining, &merged, &decided)?;
        let (ours, theirs) = (
            rows.parts(&[remaining.id]).await?,
            rows.parts(&[merged.id]).await?,
        );
        let mut changed = vec![Customer {
            updated_at: at,
            ..remaining.clone()
        }];
        changed.extend(theirs.iter().map(|part| Customer {
            part_of: remaining.id,
            updated_at: at,
            ..part.clone()
        }));
        for part in changed.iter_mut().filter(|part| part.id == merged.id) {
            part.state = State::Merged;
            part.merged_into = Some(remaining.id);
        }
        save_in_order(rows, changed).await?;
        let ids = |parts: &[Customer]| parts.iter().map(|part| part.id).collect::<BTreeSet<_>>();
        let revocation = Revocation {
            by,
            at,
            reason: command.reason.as_ref(),
        };
        rows.revoke_decisions_between(&ids(&ours), &ids(&theirs), &revocation)
            .await?;
        rows.insert_edges(&[edge])
            .await
            .map_err(|error| raced_when_taken(rows, error))?;
        let data = Data::CustomersMerged(CustomersMerged {
            customer_id: remaining.id.to_string(),
            merged_customer_id: merged.id.to_string(),
            moves: moves(rows, ids(&theirs), remaining.id).await?,
        });
        append(rows.scoped(), &event(at, remaining.id, data)).await?;
        Ok(remaining.version + 1)
    }

    /// Takes a customer out of the one it is part of, with its own records and identifiers, and leaves the decision
    /// that they are different.
    ///
    /// # Errors
    /// [`Error::NotMerged`] when it is not part of it; [`Error::NoCustomer`], [`Error::Unchangeable`],
    /// [`Error::EtagMismatch`].
    pub async fn unmerge_customers(
        &self,
        ctx: &Context,
        command: &Merge,
    ) -> Result<(Shown, Shown), Error> {
        let app = self;
        self.store
            .write(ctx.tenant, |rows| async move {
                if !replayed(&rows, &command.key).await? {
                    let version = app.unmerged(&rows, author(ctx), command).await?;
                    command
                        .key
                        .settle(rows.scoped(), command.customer.uuid(), version)
                        .await?;
                }
                Ok((
                    shown(&rows, command.customer).await?,
                    shown(&rows, command.other).await?,
                ))
            })
            .await
    }

    async fn unmerged(&self, rows: &Rows, by: &str, command: &Merge) -> Result<i64, Error> {
        rows.lock([command.customer, command.other]).await?;
        let split = customer(rows, command.customer).await?;
        let restored = customer(rows, command.other).await?;
        matches(&split, command.version)?;
        let at = self.clock.now();
        let decided = Decided {
            by,
            at,
            reason: command.reason.clone(),
        };
        let whole = rows.parts(&[split.id]).await?;
        let decisions = unmerge(&split, &restored, &whole, &decided)?;
        let leaving = parts_of(restored.id, &whole);
        let mut changed: Vec<Customer> = whole
            .iter()
            .filter(|part| leaving.contains(&part.id) || part.id == split.id)
            .map(|part| Customer {
                updated_at: at,
                ..part.clone()
            })
            .collect();
        for part in changed.iter_mut().filter(|part| leaving.contains(&part.id)) {
            part.part_of = restored.id;
            if part.id == restored.id {
                part.state = State::Active;
                part.merged_into = None;
            }
        }
        save_in_order(rows, changed).await?;
        let revocation = Revocation {
            by,
            at,
            reason: command.reason.as_ref(),
        };
        rows.revoke_merge(restored.founder, &revocation).await?;
        rows.insert_edges(&decisions)
            .await
            .map_err(|error| raced_when_taken(rows, error))?;
        let data = Data::CustomersUnmerged(CustomersUnmerged {
            customer_id: split.id.to_string(),
            restored_customer_id: restored.id.to_string(),
            moves: moves(rows, leaving, restored.id).await?,
        });
        append(rows.scoped(), &event(at, split.id, data)).await?;
        Ok(split.version + 1)
    }
}

/// Saves in one order, whoever merges whom, so that two merges cannot wait for each other.
async fn save_in_order(rows: &Rows, mut changed: Vec<Customer>) -> Result<(), Error> {
    changed.sort_by_key(|customer| customer.id);
    for customer in &changed {
        rows.save_standing(customer).await?;
    }
    Ok(())
}

/// The records that changed their customer.
async fn moves(
    rows: &Rows,
    homes: BTreeSet<CustomerId>,
    customer: CustomerId,
) -> Result<Vec<RecordMove>, Error> {
    let records = rows.records_of(homes).await?.into_iter();
    Ok(records
        .map(|(record, _)| RecordMove {
            record_id: record.to_string(),
            customer_id: customer.to_string(),
        })
        .collect())
}
