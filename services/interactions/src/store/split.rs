//! Numbers that are split over several contacts of one conversation: each half alone looks harmless, and was stored.

use std::collections::HashMap;

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::InteractionId;
use rapport_foundation::seal::{Subject, SubjectKeys, Vault};
use sea_orm::Value;
use uuid::Uuid;

use super::contact::{self, Sealed, bound};
use super::record::{Logged, Telling};
use super::{body, index};
use crate::domain::contact::Payload;
use crate::domain::detect::Masking;
use crate::domain::{Contact, Content, privacy};

/// Contacts before and behind a new one that are looked at: a card is said in four pieces at most.
const AROUND: u64 = 3;

/// Masks numbers that new contacts complete, in all contacts that hold a piece. Nothing is read for those that neither
/// begin nor end with a number.
pub(super) async fn mask(
    s: &Scoped,
    vault: &Vault,
    fresh: &[&Telling],
    logged: &HashMap<InteractionId, Logged>,
) -> Result<(), Error> {
    for telling in fresh {
        let among_others = !telling.thread.is_empty() || !telling.clues.is_empty();
        let in_thread = among_others && privacy::may_be_a_part(&telling.contact.content);
        if let (Some(masking), Some(known), true) =
            (telling.masking, logged.get(&telling.id), in_thread)
        {
            mask_around(s, vault, telling, known, masking).await?;
        }
    }
    Ok(())
}

struct Near {
    id: Uuid,
    subject: String,
    contact: Contact,
}

async fn mask_around(
    s: &Scoped,
    vault: &Vault,
    telling: &Telling,
    known: &Logged,
    masking: Masking,
) -> Result<(), Error> {
    let (near, keys) = around(s, vault, telling, known).await?;
    let mut contents: Vec<Content> = near.iter().map(|one| one.contact.content.clone()).collect();
    if near.len() < 2 || !privacy::mask_texts(&mut contents, masking) {
        return Ok(());
    }
    let mut changed = Vec::new();
    for (mut one, content) in near.into_iter().zip(contents) {
        if one.contact.content != content {
            one.contact.content = content;
            // The payload says the same: where the half of a number stands in it cannot be told.
            one.contact.content.raw_payload = Payload::default();
            store(s, &keys, &one).await?;
            changed.push(InteractionId::from_uuid(one.id));
        }
    }
    // What is in the index already is put there anew; the rest comes with the log.
    index::again(s, vault, &changed).await
}

/// The contacts around a new one, itself among them, in the order they took place, and the keys they are sealed with.
async fn around(
    s: &Scoped,
    vault: &Vault,
    telling: &Telling,
    known: &Logged,
) -> Result<(Vec<Near>, SubjectKeys), Error> {
    let mut rows = Vec::new();
    for (side, order, most) in [("<=", "desc", AROUND + 1), (">", "asc", AROUND)] {
        let sql = format!(
            "select id, connector, external_id, kind, channel, provider, direction, purpose, event_at, received_at, history, \
             automatic, order_id, order_units, order_code, order_exponent, subject_key, body from interaction \
             where tenant_id = $1 and conversation_id = $2 and (event_at, id) {side} ($3, $4) \
             order by event_at {order}, id {order} limit {most}"
        );
        let values: [Value; 3] = [
            known.conversation.uuid().into(),
            telling.contact.event_at.0.into(),
            telling.id.uuid().into(),
        ];
        let mut found = s.raw_all(&sql, values).await?;
        if side == "<=" {
            found.reverse();
        }
        rows.extend(found);
    }
    let read = rows
        .iter()
        .map(|row| Ok((row.try_get("", "id")?, contact::read(row, false)?)))
        .collect::<Result<Vec<(Uuid, Sealed)>, Error>>()?;
    let subjects: Vec<Subject> = read
        .iter()
        .map(|(_, sealed)| sealed.subject.clone())
        .collect();
    let keys = vault.existing(s, &subjects).await?;
    let open = |(id, sealed): (Uuid, Sealed)| {
        Ok(Near {
            id,
            subject: sealed.subject.clone(),
            contact: sealed.open(&contact::row_of(id), &keys)?,
        })
    };
    let near = read.into_iter().map(open).collect::<Result<_, Error>>()?;
    Ok((near, keys))
}

async fn store(s: &Scoped, keys: &SubjectKeys, one: &Near) -> Result<(), Error> {
    let sealed = keys.require(&one.subject)?.seal(
        &body::encode(&one.contact)?,
        &bound(&contact::row_of(one.id), b"body"),
    );
    let sql = "update interaction set body = $3, raw_payload = $4 where tenant_id = $1 and id = $2";
    s.raw_exec(sql, [one.id.into(), sealed.into(), Vec::<u8>::new().into()])
        .await?;
    Ok(())
}
