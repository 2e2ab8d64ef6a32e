//! Handing messages over: each to one stream, those of one conversation one after the other.

use std::collections::HashMap;

use rapport_foundation::db::bulk;
use rapport_foundation::db::{Engine, Error, Scoped, present};
use rapport_foundation::id::{OutboundId, TenantId};
use rapport_foundation::time::Micros;
use sea_orm::{QueryResult, Value};
use uuid::Uuid;

use super::super::Store;
use super::super::contact::{self, Sealed};
use super::queue::row_of;
use super::{COLUMNS, Moved, Tell, now, read, save};
use crate::domain::outbound::{Pace, Taker};
use crate::domain::{Contact, Outbound, OutboundState};
use crate::store::wanted::WANTED;

/// Who asks for messages.
#[derive(Debug, Clone)]
pub(crate) struct Asking {
    pub(crate) connector: String,
    pub(crate) taker: Taker,
    /// How many at most.
    pub(crate) most: usize,
}

/// A message that was handed over, with what it says.
#[derive(Debug)]
pub(crate) struct Handover {
    pub(crate) outbound: Outbound,
    pub(crate) contact: Contact,
    /// The connector's key of what it answers; empty when it answers nothing.
    pub(crate) reply_to: String,
}

impl Asking {
    /// The states a message may be handed over from.
    fn states(&self) -> &'static [OutboundState] {
        if self.taker.drops_repetitions {
            &[OutboundState::Queued, OutboundState::Uncertain]
        } else {
            &[OutboundState::Queued]
        }
    }
}

/// What may be handed over: nothing of its conversation is before it that is on its way, or has been waiting since.
fn ready(engine: Engine, state: OutboundState) -> String {
    let (queued, handed, accepted) = (
        OutboundState::Queued.code(),
        OutboundState::Handed.code(),
        OutboundState::Accepted.code(),
    );
    let now = present(engine);
    format!(
        "o.tenant_id = $1 and o.connector = $2 and o.state = {} and o.ready_at <= {now} and o.expires_at > {now} \
         and not exists (select 1 from outbound b where b.tenant_id = $1 and b.conversation_id = o.conversation_id \
         and b.connector = o.connector and b.id < o.id and (b.state in ({handed}, {accepted}) \
         or (b.state = {queued} and (b.attempt > 0 or b.scheduled_at <= {now}))))",
        state.code()
    )
}

impl Store {
    /// Hands messages over, the longest ready first. What was erased is taken back instead.
    pub(crate) async fn hand_over(
        &self,
        tenant: TenantId,
        asking: &Asking,
        pace: &Pace,
        tell: Tell,
    ) -> Result<Vec<Handover>, Error> {
        // Looked for without a transaction first: on SQLite there is one writer, and mostly there is nothing.
        if asking.most == 0 || !self.is_any_ready(tenant, asking).await? {
            return Ok(Vec::new());
        }
        self.db
            .write(tenant, async |s| {
                let mut moved = Vec::new();
                let now = now(&s).await?;
                for (one, is_erased) in candidates(&s, asking).await? {
                    let mut one = Moved::new(one);
                    if is_erased {
                        one.after.erase(now);
                    } else if !one.after.hand(asking.taker, now, pace) {
                        continue;
                    }
                    moved.push(one);
                }
                save(&s, &moved, tell).await?;
                let handed: Vec<Outbound> = moved
                    .into_iter()
                    .map(|one| one.after)
                    .filter(Outbound::is_held)
                    .collect();
                self.with_texts(&s, handed).await
            })
            .await
    }

    async fn is_any_ready(&self, tenant: TenantId, asking: &Asking) -> Result<bool, Error> {
        for state in asking.states() {
            let sql = format!(
                "select 1 as one from outbound o where {} limit 1",
                ready(self.db.engine(), *state)
            );
            let connector: Value = asking.connector.as_str().into();
            let found = self
                .db
                .read(tenant, async |s| s.raw_one(&sql, [connector.clone()]).await);
            if found.await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Messages with what they say.
    async fn with_texts(&self, s: &Scoped, handed: Vec<Outbound>) -> Result<Vec<Handover>, Error> {
        let rows = handed
            .iter()
            .map(|one| vec![one.id.uuid().into()])
            .collect();
        let query = "select i.id, i.connector, i.external_id, i.kind, i.channel, i.provider, i.direction, i.purpose, \
                     i.event_at, i.received_at, i.history, i.automatic, i.order_id, i.order_units, i.order_code, \
                     i.order_exponent, t.subject_key, t.body, r.external_id as reply_to \
                     from k cross join outbound o cross join interaction i cross join outbound_text t \
                     left join interaction r on r.tenant_id = o.tenant_id and r.id = o.reply_to \
                     where o.tenant_id = $1 and o.id = k.wanted and i.tenant_id = o.tenant_id and i.id = o.id \
                     and t.tenant_id = o.tenant_id and t.id = o.id";
        let mut texts: HashMap<Uuid, (Sealed, String)> = HashMap::new();
        for row in bulk::select(s, &WANTED, rows, query).await? {
            let reply_to: Option<String> = row.try_get("", "reply_to")?;
            let sealed = contact::read(&row, false)?;
            texts.insert(
                row.try_get("", "id")?,
                (sealed, reply_to.unwrap_or_default()),
            );
        }
        let subjects: Vec<String> = texts.values().map(|(one, _)| one.subject.clone()).collect();
        let keys = self.vault.existing(s, &subjects).await?;
        let mut handovers = Vec::with_capacity(handed.len());
        for outbound in handed {
            // Without its text it would be sent empty.
            let (sealed, reply_to) = texts
                .remove(&outbound.id.uuid())
                .ok_or(Error::Corrupt("a message has no text"))?;
            handovers.push(Handover {
                contact: sealed.open(&row_of(outbound.id), &keys)?,
                outbound,
                reply_to,
            });
        }
        Ok(handovers)
    }

    /// Takes back what a stream had and had not accepted, once the stream is gone.
    pub(crate) async fn abandon(
        &self,
        tenant: TenantId,
        connector: &str,
        stream: Uuid,
        tell: Tell,
    ) -> Result<(), Error> {
        let sql = format!(
            "select o.id from outbound o where o.tenant_id = $1 and o.connector = $2 and o.state = {} and o.holder = $3",
            OutboundState::Handed.code()
        );
        let values: [Value; 2] = [connector.into(), stream.into()];
        self.db
            .write(tenant, async |s| {
                let rows = s.raw_all(&sql, values.clone()).await?;
                let ids = rows.iter().map(id).collect::<Result<Vec<_>, Error>>()?;
                let change = |moved: &mut [Moved], now: Micros| -> Result<(), Error> {
                    moved
                        .iter_mut()
                        .for_each(|one| one.after.abandon(stream, now));
                    Ok(())
                };
                self.move_outbound(&s, &ids, tell, change).await
            })
            .await
    }
}

fn id(row: &QueryResult) -> Result<OutboundId, Error> {
    Ok(OutboundId::from_uuid(row.try_get("", "id")?))
}

/// What may be handed over, and whether what it says was erased; locked. What another replica is about to hand over is
/// passed by.
async fn candidates(s: &Scoped, asking: &Asking) -> Result<Vec<(Outbound, bool)>, Error> {
    let skip = if s.engine() == Engine::Postgres {
        "for update of o skip locked"
    } else {
        ""
    };
    let mut found = Vec::new();
    for state in asking.states() {
        let most = asking.most - found.len().min(asking.most);
        let sql = format!(
            "select {COLUMNS}, cast(case when k.wrapped is null then 1 else 0 end as bigint) as erased \
             from outbound o join outbound_text t on t.tenant_id = o.tenant_id and t.id = o.id \
             left join subject_keys k on k.tenant_id = t.tenant_id and k.subject = t.subject_key \
             where {} order by o.ready_at, o.id limit {most} {skip}",
            ready(s.engine(), *state)
        );
        for row in s.raw_all(&sql, [asking.connector.as_str().into()]).await? {
            found.push((read(&row)?, row.try_get::<i64>("", "erased")? == 1));
        }
    }
    Ok(found)
}
