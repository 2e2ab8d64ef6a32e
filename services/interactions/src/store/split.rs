//! Numbers that are split over several contacts of one conversation: each half alone looks harmless, and was stored.

use std::collections::HashMap;

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::InteractionId;
use rapport_foundation::seal::{Subject, SubjectKeys, Vault};
use sea_orm::Value;
use uuid::Uuid;

use super::contact::{self, Sealed, bound};
use super::record::{Logged, Telling};
use super::{body, index, numbers};
use crate::domain::contact::Payload;
use crate::domain::numbers::Taking;
use crate::domain::{Contact, Content, SealedNumber, privacy};

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
        if let (Some(known), true) = (logged.get(&telling.id), in_thread) {
            mask_around(s, vault, telling, known).await?;
        }
    }
    Ok(())
}

struct Near {
    id: Uuid,
    subject: String,
    contact: Contact,
    numbers: Vec<SealedNumber>,
}

async fn mask_around(
    s: &Scoped,
    vault: &Vault,
    telling: &Telling,
    known: &Logged,
) -> Result<(), Error> {
    let (mut near, keys) = around(s, vault, telling, known).await?;
    if near.len() < 2 {
        return Ok(());
    }
    let mut contents: Vec<Content> = near.iter().map(|one| one.contact.content.clone()).collect();
    let token = |kind, number: &str| numbers::token(vault, telling.tenant, kind, number);
    let mut taking = Taking::new(telling.numbers, &token);
    privacy::mask_texts(&mut contents, &mut taking);
    keep(&mut near, taking);
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

/// Puts what is kept beside the contact in which it ended.
fn keep(near: &mut [Near], taking: Taking<'_>) {
    let mut ends = Vec::with_capacity(near.len());
    for one in near.iter() {
        let before = ends.last().copied().unwrap_or(0);
        ends.push(before + privacy::texts(&one.contact.content).count());
    }
    for (text, number) in taking.kept_by_text() {
        let place = ends.partition_point(|end| *end <= text);
        if let Some(one) = near.get_mut(place) {
            one.numbers.push(number);
        }
    }
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
             automatic, order_id, order_units, order_code, order_exponent, subject_key, body, numbers from interaction \
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
        .map(|row| {
            let sealed = contact::read(row, false)?;
            Ok((row.try_get("", "id")?, sealed, row.try_get("", "numbers")?))
        })
        .collect::<Result<Vec<(Uuid, Sealed, Vec<u8>)>, Error>>()?;
    let subjects: Vec<Subject> = read
        .iter()
        .map(|(_, sealed, _)| sealed.subject.clone())
        .collect();
    let keys = vault.existing(s, &subjects).await?;
    let open = |(id, sealed, kept): (Uuid, Sealed, Vec<u8>)| {
        let row = contact::row_of(id);
        Ok(Near {
            id,
            numbers: numbers::open(keys.get(&sealed.subject).as_ref(), &row, &kept)?,
            subject: sealed.subject.clone(),
            contact: sealed.open(&row, &keys)?,
        })
    };
    let near = read.into_iter().map(open).collect::<Result<_, Error>>()?;
    Ok((near, keys))
}

async fn store(s: &Scoped, keys: &SubjectKeys, one: &Near) -> Result<(), Error> {
    let (key, row) = (keys.require(&one.subject)?, contact::row_of(one.id));
    let sealed = key.seal(&body::encode(&one.contact)?, &bound(&row, b"body"));
    let kept = numbers::seal(&key, &row, &one.numbers)?;
    let sql = "update interaction set body = $3, raw_payload = $4, numbers = $5 where tenant_id = $1 and id = $2";
    let values: [Value; 4] = [
        one.id.into(),
        sealed.into(),
        Vec::<u8>::new().into(),
        kept.into(),
    ];
    s.raw_exec(sql, values).await?;
    Ok(())
}
