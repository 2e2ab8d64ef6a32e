//! Queueing: the interaction, the message's way and what it says, in one transaction.

use std::collections::HashSet;

use rapport_foundation::db::bulk::{self, Type};
use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{InteractionId, MediaId, OutboundId};
use rapport_foundation::idempotency::{self, Claim, Key};
use rapport_foundation::seal::{Subject, Vault};
use rapport_foundation::time::Micros;
use sea_orm::Value;
use uuid::Uuid;

use super::super::body;
use super::super::contact::bound;
use super::super::record::{self, Logged, Outcome, Telling};
use super::now;
use crate::domain::{Contact, OutboundState, Rules};

/// A message on its way into the queue.
#[derive(Debug)]
pub(crate) struct Queueing {
    /// What is logged of it.
    pub(crate) telling: Telling,
    /// What is sent: numbers are masked in the log, never in what is sent.
    pub(crate) said: Contact,
    pub(crate) key: Key,
    pub(crate) reply_to: Option<InteractionId>,
    /// Not to be sent before.
    pub(crate) send_at: Option<Micros>,
    pub(crate) expires_at: Micros,
}

/// What became of it.
#[derive(Debug, Clone)]
pub(crate) enum QueueOutcome {
    /// It is queued.
    Fresh(Logged),
    /// The same call has queued this one before.
    Known(OutboundId),
    /// It names a file that is not there or not finished.
    NamesNoMedia(MediaId),
    /// The request id was used for another call.
    Reused,
    /// The same call is in this very batch: it is looked at again in another one.
    Again,
}

/// Queues messages of the tenant of `s`, in the order given; answers what became of each.
pub(in crate::store) async fn queue(
    s: &Scoped,
    vault: &Vault,
    rules: &Rules,
    all: &[&Queueing],
) -> Result<Vec<QueueOutcome>, Error> {
    let keys: Vec<Key> = all.iter().map(|one| one.key.clone()).collect();
    let claims = idempotency::look_up_many(s, &keys).await?;
    let mut asked = HashSet::new();
    let judge = |(one, claim): (&&Queueing, Option<Claim>)| match claim {
        Some(Claim::Replay { result_id, .. }) => {
            Some(QueueOutcome::Known(OutboundId::from_uuid(result_id)))
        }
        Some(Claim::Reused) => Some(QueueOutcome::Reused),
        _ if !asked.insert(one.key.request_id()) => Some(QueueOutcome::Again),
        _ => None,
    };
    let judged: Vec<Option<QueueOutcome>> = all.iter().zip(claims).map(judge).collect();
    let fresh: Vec<&Queueing> = (all.iter().zip(&judged))
        .filter(|(_, judged)| judged.is_none())
        .map(|(one, _)| *one)
        .collect();
    let mut logged = log(s, vault, rules, &fresh).await?.into_iter();
    let outcome = |judged: Option<QueueOutcome>| judged.or_else(|| logged.next());
    judged
        .into_iter()
        .map(outcome)
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| Error::Misconfigured("a message of a batch was left out".into()))
}

async fn log(
    s: &Scoped,
    vault: &Vault,
    rules: &Rules,
    fresh: &[&Queueing],
) -> Result<Vec<QueueOutcome>, Error> {
    if fresh.is_empty() {
        return Ok(Vec::new());
    }
    let tellings: Vec<&Telling> = fresh.iter().map(|one| &one.telling).collect();
    let (mut whole, mut logged) = (Vec::new(), Vec::with_capacity(fresh.len()));
    let mut outcomes = Vec::with_capacity(fresh.len());
    let recorded = record::record(s, vault, rules, &tellings).await?;
    for (queueing, outcome) in fresh.iter().zip(recorded) {
        outcomes.push(match outcome {
            Outcome::Fresh(one) => {
                whole.push(*queueing);
                logged.push(one.clone());
                QueueOutcome::Fresh(one)
            }
            Outcome::NamesNoMedia(id) => QueueOutcome::NamesNoMedia(id),
            // Its key is its own new id.
            Outcome::Duplicate(_) | Outcome::Conflict(_) => return Err(s.raced()),
        });
    }
    let now = now(s).await?;
    insert(s, &whole, &logged, now).await?;
    insert_texts(s, vault, &whole).await?;
    let settled: Vec<(Key, Uuid, i64)> = whole
        .iter()
        .map(|one| (one.key.clone(), one.telling.id.uuid(), 1))
        .collect();
    idempotency::settle_many(s, &settled).await?;
    Ok(outcomes)
}

async fn insert(
    s: &Scoped,
    fresh: &[&Queueing],
    logged: &[Logged],
    now: Micros,
) -> Result<(), Error> {
    const COLUMNS: [(&str, Type); 20] = [
        ("id", Type::Uuid),
        ("conversation_id", Type::Uuid),
        ("connector", Type::Text),
        ("reply_to", Type::Uuid),
        ("queued_at", Type::Big),
        ("scheduled_at", Type::Big),
        ("ready_at", Type::Big),
        ("expires_at", Type::Big),
        ("changed_at", Type::Big),
        ("state", Type::Small),
        ("version", Type::Big),
        ("attempt", Type::Big),
        ("failures", Type::Big),
        ("doubt", Type::Big),
        ("delivery", Type::Small),
        ("reason", Type::Text),
        ("message_id", Type::Text),
        ("holder", Type::Uuid),
        ("lease_until", Type::Big),
        ("sent_at", Type::Big),
    ];
    let row = |(one, logged): (&&Queueing, &Logged)| -> Vec<Value> {
        // What may be sent at once is ready from now on, by the database's clock.
        let ready_at = one.send_at.map_or(now, |at| at.max(now));
        vec![
            one.telling.id.uuid().into(),
            logged.conversation.uuid().into(),
            one.telling.connector.as_str().into(),
            one.reply_to.map_or(Uuid::nil(), |id| id.uuid()).into(),
            now.0.into(),
            one.send_at.map_or(0, |at| at.0).into(),
            ready_at.0.into(),
            one.expires_at.0.into(),
            now.0.into(),
            OutboundState::Queued.code().into(),
            1_i64.into(),
            0_i64.into(),
            0_i64.into(),
            0_i64.into(),
            0_i16.into(),
            "".into(),
            "".into(),
            Uuid::nil().into(),
            0_i64.into(),
            0_i64.into(),
        ]
    };
    let rows = fresh.iter().zip(logged).map(row).collect();
    bulk::insert(s, "outbound", &COLUMNS, rows, "").await?;
    Ok(())
}

async fn insert_texts(s: &Scoped, vault: &Vault, fresh: &[&Queueing]) -> Result<(), Error> {
    const COLUMNS: [(&str, Type); 3] = [
        ("id", Type::Uuid),
        ("subject_key", Type::Text),
        ("body", Type::Bytes),
    ];
    let subjects: Vec<Subject> = fresh
        .iter()
        .map(|one| one.telling.subject.clone())
        .collect();
    let keys = vault.keys(s, &subjects).await?;
    let mut rows = Vec::with_capacity(fresh.len());
    for one in fresh {
        let id = OutboundId::from_uuid(one.telling.id.uuid());
        let subject = &one.telling.subject;
        let body = keys
            .require(subject)?
            .seal(&body::encode(&one.said)?, &bound(&row_of(id), b"body"));
        rows.push(vec![id.uuid().into(), subject.as_str().into(), body.into()]);
    }
    bulk::insert(s, "outbound_text", &COLUMNS, rows, "").await?;
    Ok(())
}

/// What is sealed opens in this row only.
pub(super) fn row_of(id: OutboundId) -> Vec<u8> {
    [b"outbound/".as_slice(), id.uuid().as_bytes()].concat()
}
