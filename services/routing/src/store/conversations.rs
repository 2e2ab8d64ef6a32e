//! Which conversations became part of which. A ticket keeps the conversation it was opened in; contacts name the one that
//! is the whole of it today.

use std::collections::HashMap;

use rapport_foundation::db::bulk::{self, Type};
use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::ConversationId;
use sea_orm::Value;
use uuid::Uuid;

/// Merges upon merges that are followed: nobody merges a conversation so often.
const DEEPEST: usize = 32;

/// A conversation became part of another, or is no part of it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joining {
    /// By this change.
    Joined {
        change: Uuid,
        whole: ConversationId,
        part: ConversationId,
    },
    /// This change was taken back.
    Undone { change: Uuid },
}

/// Notes what was said, in its order.
pub(super) async fn note(s: &Scoped, joinings: &[Joining]) -> Result<(), Error> {
    for joining in joinings {
        match *joining {
            Joining::Joined {
                change,
                whole,
                part,
            } => {
                let sql = "insert into conversation_part (tenant_id, change_id, whole_id, part_id) \
                           values ($1, $2, $3, $4) on conflict do nothing";
                let values = [change.into(), whole.uuid().into(), part.uuid().into()];
                s.raw_exec(sql, values).await?;
            }
            Joining::Undone { change } => {
                let sql = "delete from conversation_part where tenant_id = $1 and change_id = $2";
                s.raw_exec(sql, [change.into()]).await?;
            }
        }
    }
    Ok(())
}

/// What each of these conversations is made of, itself first: by each part, the wholes that were asked for.
pub(super) async fn parts_of(
    s: &Scoped,
    wholes: &[ConversationId],
) -> Result<HashMap<ConversationId, Vec<ConversationId>>, Error> {
    const WHOLE: [(&str, Type); 1] = [("whole", Type::Uuid)];
    let mut within: HashMap<ConversationId, Vec<ConversationId>> = HashMap::new();
    for whole in wholes {
        within.insert(*whole, vec![*whole]);
    }
    let its = bulk::each(
        s.engine(),
        "conversation_part p",
        "p.tenant_id = $1 and p.whole_id = k.whole",
    );
    let query = format!("select p.whole_id, p.part_id from k {its}");
    let mut looked_at: Vec<ConversationId> = within.keys().copied().collect();
    for _ in 0..DEEPEST {
        let rows: Vec<Vec<Value>> = looked_at.iter().map(|id| vec![id.uuid().into()]).collect();
        let mut found = Vec::new();
        for row in bulk::select(s, &WHOLE, rows, &query).await? {
            let whole = ConversationId::from_uuid(row.try_get("", "whole_id")?);
            let part = ConversationId::from_uuid(row.try_get("", "part_id")?);
            let asked = within.get(&whole).cloned().unwrap_or_default();
            let known = within.entry(part).or_default();
            let fresh = asked.into_iter().filter(|id| !known.contains(id));
            let fresh: Vec<ConversationId> = fresh.collect();
            if !fresh.is_empty() {
                known.extend(fresh);
                found.push(part);
            }
        }
        if found.is_empty() {
            break;
        }
        looked_at = found;
    }
    Ok(within)
}
