//! What runs across tenants: one transaction for a batch, and the search for what is due.

use std::collections::BTreeMap;
use std::sync::Arc;

use rapport_foundation::db::{Engine, Error};
use rapport_foundation::events::{self, Outgoing};
use rapport_foundation::id::{InteractionId, TenantId};
use rapport_foundation::time::Micros;

use sea_orm::QueryResult;

use super::attach::Overtaken;
use super::facts::{self, BecameKnown, FactOutcome, FactTelling};
use super::index::{self, Range};
use super::outbound::{QueueOutcome, Queueing, Tell, queue};
use super::record::{self, Logged, Outcome, Telling};
use super::{Pending, Store};

mod media;
mod outbound;

pub(crate) use media::DueMedia;
pub(crate) use outbound::DueOutbound;

/// A pending interaction with its tenant.
#[derive(Debug, Clone)]
pub(crate) struct DuePending {
    pub(crate) tenant: TenantId,
    pub(crate) pending: Pending,
}

/// Keys that are forgotten in one statement.
const REPETITIONS: u64 = 2_000;

/// Something on its way into the log.
#[derive(Debug, Clone)]
pub(crate) enum Command {
    /// A contact.
    Contact(Arc<Telling>),
    /// What became known of one.
    Fact(Arc<FactTelling>),
    /// A message of ours.
    Outbound(Arc<Queueing>),
}

/// What became of it.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// Of a contact.
    Contact(Outcome),
    /// Of a fact.
    Fact(FactOutcome),
    /// Of a message of ours.
    Outbound(QueueOutcome),
}

/// How others are told of what was logged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Announce {
    pub(crate) recorded: fn(&Telling, &Logged) -> Outgoing,
    pub(crate) known: fn(BecameKnown, Micros) -> Outgoing,
    pub(crate) queued: fn(&Queueing, &Logged) -> Outgoing,
    pub(crate) moved: Tell,
}

/// What one tenant has in a batch, with the places of the answers.
#[derive(Default)]
struct Group<'a> {
    contacts: Vec<&'a Telling>,
    contact_places: Vec<usize>,
    facts: Vec<&'a FactTelling>,
    fact_places: Vec<usize>,
    outbounds: Vec<&'a Queueing>,
    outbound_places: Vec<usize>,
}

/// Tenants in one order: two replicas that lock rows of several tenants do so alike.
fn by_tenant(commands: &[Command]) -> BTreeMap<TenantId, Group<'_>> {
    let mut groups: BTreeMap<TenantId, Group<'_>> = BTreeMap::new();
    for (place, command) in commands.iter().enumerate() {
        match command {
            Command::Contact(telling) => {
                let group = groups.entry(telling.tenant).or_default();
                group.contacts.push(telling);
                group.contact_places.push(place);
            }
            Command::Fact(telling) => {
                let group = groups.entry(telling.tenant).or_default();
                group.facts.push(telling);
                group.fact_places.push(place);
            }
            Command::Outbound(queueing) => {
                let group = groups.entry(queueing.telling.tenant).or_default();
                group.outbounds.push(queueing);
                group.outbound_places.push(place);
            }
        }
    }
    groups
}

impl Store {
    /// Logs contacts and facts of any tenants in one transaction, in the order given within each, contacts first; tells
    /// what was logged. Answers what became of each.
    pub(crate) async fn record(
        &self,
        commands: &[Command],
        announce: Announce,
    ) -> Result<Vec<Answer>, Error> {
        let groups = by_tenant(commands);
        self.db
            .system_write(async |system| {
                let mut answers: Vec<Option<Answer>> = vec![None; commands.len()];
                let mut put = |place: &usize, answer| {
                    if let Some(slot) = answers.get_mut(*place) {
                        *slot = Some(answer);
                    }
                };
                let mut told = Vec::new();
                for (tenant, group) in &groups {
                    let s = system.scoped(*tenant);
                    let rules = self.rules_to_record(&s).await?;
                    let recorded = record::record(&s, &self.vault, &rules, &group.contacts).await?;
                    let pairs = group.contacts.iter().zip(recorded);
                    for (place, (telling, outcome)) in group.contact_places.iter().zip(pairs) {
                        if let Outcome::Fresh(logged) = &outcome {
                            told.push((*tenant, (announce.recorded)(telling, logged)));
                        }
                        put(place, Answer::Contact(outcome));
                    }
                    let queued = queue(&s, &self.vault, &rules, &group.outbounds).await?;
                    let pairs = group.outbounds.iter().zip(queued);
                    for (place, (queueing, outcome)) in group.outbound_places.iter().zip(pairs) {
                        if let QueueOutcome::Fresh(logged) = &outcome {
                            told.push((*tenant, (announce.recorded)(&queueing.telling, logged)));
                            told.push((*tenant, (announce.queued)(queueing, logged)));
                        }
                        put(place, Answer::Outbound(outcome));
                    }
                    let (outcomes, known) =
                        facts::record(&s, &self.vault, &group.facts, announce.moved).await?;
                    for (place, outcome) in group.fact_places.iter().zip(outcomes) {
                        put(place, Answer::Fact(outcome));
                    }
                    let now = group.facts.iter().map(|one| one.received_at).max();
                    let now = now.unwrap_or(Micros::EPOCH);
                    told.extend(
                        known
                            .into_iter()
                            .map(|one| (*tenant, (announce.known)(one, now))),
                    );
                }
                events::append_across(&system, &told).await?;
                answers
                    .into_iter()
                    .collect::<Option<Vec<_>>>()
                    .ok_or_else(|| Error::Misconfigured("a command of a batch was left out".into()))
            })
            .await
    }

    /// Tenants whose log holds more than was put into the index.
    pub(crate) async fn not_indexed(&self) -> Result<Vec<TenantId>, Error> {
        let sql = "select h.tenant_id from log_head h left join search_mark m on m.tenant_id = h.tenant_id \
                   where m.tenant_id is null or m.epoch < h.epoch or (m.epoch = h.epoch and m.n < h.n) limit 64";
        let rows = self
            .db
            .system_read(async |system| system.raw_all(sql, []).await)
            .await?;
        let tenant = |row: &QueryResult| Ok(TenantId::from_uuid(row.try_get("", "tenant_id")?));
        rows.iter().map(tenant).collect()
    }

    /// Asks PostgreSQL's index of words.
    pub(super) async fn search_across(
        &self,
        tenant: TenantId,
        wanted: &str,
        range: &Range,
        most: u64,
    ) -> Result<Vec<QueryResult>, Error> {
        self.db
            .system_read(async |system| {
                index::tsvector(&system.scoped(tenant), wanted, range, most).await
            })
            .await
    }

    /// Takes entries of the index away whose texts were erased.
    pub(crate) async fn forget_words(&self) -> Result<(), Error> {
        let erased = "select e.doc, e.tenant_id, e.interaction_id from subject_keys k join search_entry e \
                      on e.tenant_id = k.tenant_id and e.subject_key = k.subject where k.wrapped is null";
        let words =
            format!("delete from search_words where rowid in (select doc from ({erased}) g)");
        let entries = format!(
            "delete from search_entry where (tenant_id, interaction_id) in \
             (select tenant_id, interaction_id from ({erased}) g)"
        );
        let sqlite = self.db.engine() == Engine::Sqlite;
        self.db
            .system_write(async |system| {
                if sqlite {
                    system.raw_exec(&words, []).await?;
                }
                system.raw_exec(&entries, []).await?;
                Ok(())
            })
            .await
    }

    /// Tenants that do not keep all contacts for ever.
    pub(crate) async fn with_retention(&self) -> Result<Vec<TenantId>, Error> {
        let sql = "select tenant_id from retention_rules where rules <> '[]' order by tenant_id";
        let rows = self
            .db
            .system_read(async |system| system.raw_all(sql, []).await)
            .await?;
        let tenant = |row: &QueryResult| Ok(TenantId::from_uuid(row.try_get("", "tenant_id")?));
        rows.iter().map(tenant).collect()
    }

    /// Forgets under which keys contacts were logged that were forgotten long ago.
    pub(crate) async fn forget_repetitions(&self, now: Micros) -> Result<(), Error> {
        let sql = format!(
            "delete from forgotten_contact where (tenant_id, connector, key_blind) in (select tenant_id, connector, \
             key_blind from forgotten_contact where until_at < $1 limit {REPETITIONS})"
        );
        loop {
            let gone = self
                .db
                .system_write(async |system| system.raw_exec(&sql, [now.0.into()]).await)
                .await?;
            if gone < REPETITIONS {
                return Ok(());
            }
        }
    }

    /// Facts that waited and whose contact is here now.
    pub(crate) async fn overtaken(&self, most: i64) -> Result<Vec<Overtaken>, Error> {
        let sql = "select w.tenant_id, w.connector, w.external_id, w.fact_key, w.traceparent, i.external_id as contact \
                   from waiting_fact w join interaction i on i.tenant_id = w.tenant_id \
                   and i.connector = w.connector and i.external_id = w.external_id \
                   union all \
                   select w.tenant_id, w.connector, w.external_id, w.fact_key, w.traceparent, i.external_id as contact \
                   from waiting_fact w join outbound o on o.tenant_id = w.tenant_id \
                   and o.connector = w.connector and o.message_id = w.external_id \
                   join interaction i on i.tenant_id = o.tenant_id and i.id = o.id limit $1";
        let rows = self
            .db
            .system_read(async |system| system.raw_all(sql, [most.into()]).await)
            .await?;
        let one = rows.iter().map(|row| {
            Ok(Overtaken {
                tenant: TenantId::from_uuid(row.try_get("", "tenant_id")?),
                connector: row.try_get("", "connector")?,
                external_id: row.try_get("", "external_id")?,
                contact: row.try_get("", "contact")?,
                key: row.try_get("", "fact_key")?,
                traceparent: row.try_get("", "traceparent")?,
            })
        });
        one.collect()
    }

    /// Pending interactions that are due, the longest waiting first.
    pub(crate) async fn due_pending(
        &self,
        now: Micros,
        most: i64,
    ) -> Result<Vec<DuePending>, Error> {
        let sql = "select tenant_id, interaction_id, attempts, next_at, facts, traceparent from pending_link \
                   where next_at <= $1 order by next_at limit $2";
        let rows = self
            .db
            .system_read(async |system| system.raw_all(sql, [now.0.into(), most.into()]).await)
            .await?;
        let due = rows.iter().map(|row| {
            let pending = Pending {
                interaction: InteractionId::from_uuid(row.try_get("", "interaction_id")?),
                attempts: i32::try_from(row.try_get::<i64>("", "attempts")?).unwrap_or(i32::MAX),
                next_at: Micros(row.try_get("", "next_at")?),
                facts: row.try_get("", "facts")?,
                traceparent: row.try_get("", "traceparent")?,
            };
            Ok(DuePending {
                tenant: TenantId::from_uuid(row.try_get("", "tenant_id")?),
                pending,
            })
        });
        due.collect()
    }
}
