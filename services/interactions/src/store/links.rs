//! Who took part: found, nobody, or still to be found.

use std::collections::BTreeMap;

use rapport_foundation::db::bulk::{self, Type};
use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{ConversationId, InteractionId};
use rapport_foundation::time::Micros;
use sea_orm::Value;
use uuid::Uuid;

use super::wanted::{WANTED, wanted};
use super::{Store, customers, forget};
use crate::domain::{Customer, LinkState};

/// What recognition came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// This customer.
    Customer(Customer),
    /// There is nobody to recognise; the note says why when that was not plain from the start.
    Nobody {
        /// A code; empty where no customer took part.
        note: &'static str,
    },
}

/// An interaction with what recognition came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resolved {
    pub(crate) interaction: InteractionId,
    pub(crate) conversation: ConversationId,
    pub(crate) event_at: Micros,
    pub(crate) found: Found,
}

/// An interaction whose customer is still to be found.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub(crate) interaction: InteractionId,
    /// Tries so far.
    pub(crate) attempts: i32,
    /// When to try next.
    pub(crate) next_at: Micros,
    /// What its events say of it, encoded.
    pub(crate) facts: Vec<u8>,
    /// The trace it belongs to; empty when it has none.
    pub(crate) traceparent: String,
}

impl Store {
    /// Stores what recognition came to.
    pub(crate) async fn link(
        &self,
        s: &Scoped,
        resolved: &[Resolved],
        now: Micros,
    ) -> Result<(), Error> {
        const LINK: [(&str, Type); 6] = [
            ("interaction_id", Type::Uuid),
            ("state", Type::Small),
            ("record_id", Type::Uuid),
            ("event_at", Type::Big),
            ("linked_at", Type::Big),
            ("note", Type::Text),
        ];
        const CONVERSATION: [(&str, Type); 2] =
            [("conversation_id", Type::Uuid), ("record_id", Type::Uuid)];
        let mut people = Vec::new();
        let mut conversations = BTreeMap::new();
        let mut links = Vec::with_capacity(resolved.len());
        let ids: Vec<Uuid> = resolved.iter().map(|one| one.interaction.uuid()).collect();
        let emptied = forget::emptied(s, &ids).await?;
        for one in resolved {
            // Who it was, was asked before it was erased.
            let found = if emptied.contains(&one.interaction.uuid()) {
                Found::Nobody { note: forget::NOTE }
            } else {
                one.found
            };
            let (state, record, note) = match found {
                Found::Customer(customer) => {
                    people.push(customer);
                    conversations
                        .entry(one.conversation)
                        .or_insert(customer.record);
                    (LinkState::Linked, customer.record.uuid(), "")
                }
                Found::Nobody { note } => (LinkState::Anonymous, Uuid::nil(), note),
            };
            links.push(vec![
                one.interaction.uuid().into(),
                state.code().into(),
                record.into(),
                one.event_at.0.into(),
                now.0.into(),
                note.into(),
            ]);
        }
        let count = u64::try_from(links.len()).unwrap_or(u64::MAX);
        customers::meet(s, &people).await?;
        let behind = "on conflict (tenant_id, interaction_id) do nothing";
        if bulk::insert(s, "interaction_link", &LINK, links, behind).await? != count {
            // Linked already: whoever did so has moved the mark or taken the pending entry, and this must not be told
            // twice.
            return Err(s.raced());
        }
        let rows = conversations
            .iter()
            .map(|(conversation, record)| -> Vec<Value> {
                vec![conversation.uuid().into(), record.uuid().into()]
            });
        // The first customer recognised is the conversation's.
        let behind = "on conflict (tenant_id, conversation_id) do nothing";
        bulk::insert(
            s,
            "conversation_link",
            &CONVERSATION,
            rows.collect(),
            behind,
        )
        .await?;
        Ok(())
    }

    /// Keeps interactions whose customer is still to be found.
    pub(crate) async fn pend(&self, s: &Scoped, pending: Vec<Pending>) -> Result<(), Error> {
        const COLUMNS: [(&str, Type); 5] = [
            ("interaction_id", Type::Uuid),
            ("attempts", Type::Big),
            ("next_at", Type::Big),
            ("facts", Type::Bytes),
            ("traceparent", Type::Text),
        ];
        let row = |one: Pending| -> Vec<Value> {
            vec![
                one.interaction.uuid().into(),
                i64::from(one.attempts).into(),
                one.next_at.0.into(),
                one.facts.into(),
                one.traceparent.into(),
            ]
        };
        let behind = "on conflict (tenant_id, interaction_id) do nothing";
        bulk::insert(
            s,
            "pending_link",
            &COLUMNS,
            pending.into_iter().map(row).collect(),
            behind,
        )
        .await?;
        Ok(())
    }

    /// Takes pending interactions away: those that another replica took first are left out of the answer.
    pub(crate) async fn take_pending(
        &self,
        s: &Scoped,
        ids: &[InteractionId],
    ) -> Result<Vec<InteractionId>, Error> {
        let rows = wanted(ids.iter().map(|id| id.uuid()));
        let statement = "delete from pending_link where tenant_id = $1 and interaction_id in (select wanted from k) \
                         returning interaction_id";
        let taken = bulk::select(s, &WANTED, rows, statement).await?;
        taken
            .iter()
            .map(|row| Ok(InteractionId::from_uuid(row.try_get("", "interaction_id")?)))
            .collect()
    }

    /// Tries pending interactions later.
    pub(crate) async fn postpone(&self, s: &Scoped, pending: &[Pending]) -> Result<(), Error> {
        const COLUMNS: [(&str, Type); 3] = [
            ("wanted", Type::Uuid),
            ("attempts", Type::Big),
            ("next_at", Type::Big),
        ];
        let row = |one: &Pending| -> Vec<Value> {
            vec![
                one.interaction.uuid().into(),
                i64::from(one.attempts).into(),
                one.next_at.0.into(),
            ]
        };
        let statement = "update pending_link set attempts = k.attempts, next_at = k.next_at from k \
                         where pending_link.tenant_id = $1 and pending_link.interaction_id = k.wanted";
        bulk::change(s, &COLUMNS, pending.iter().map(row).collect(), statement).await?;
        Ok(())
    }
}
