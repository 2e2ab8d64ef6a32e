//! What texts are found by.
//!
//! Texts are sealed, and an index of their words would undo that. Each word is therefore kept as what a key of the
//! tenant makes of it: equal words are equal, in their order, and nothing can be read. What is found is opened and
//! compared with what was asked for, so that an entry whose text was erased finds nothing.

mod blind;

use std::collections::BTreeSet;

use prost::Message as _;
use rapport_foundation::db::bulk::{self, Type};
use rapport_foundation::db::{Engine, Error, Scoped};
use rapport_foundation::id::{InteractionId, TenantId};
use rapport_foundation::seal::Vault;
use rapport_foundation::time::Micros;
use rapport_proto::events::v1::Event;
use rapport_proto::events::v1::event::Data;
use rapport_proto::types::v1::FactKind;
use sea_orm::{QueryResult, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Store;
use super::interactions::BY_ID;
use super::wanted::{WANTED, wanted};
use crate::domain::search::Term;
use crate::domain::{Channel, Direction, Interaction, Purpose};
use blind::{Blind, Document, PLACES, TRIES};

/// Contacts that are read for their words before others have their turn.
const AT_ONCE: usize = 16;
/// The kinds of events that have words behind them.
const LOGGED: &str = "interaction_recorded";
const FACT: &str = "fact_recorded";
/// The newest contacts that PostgreSQL looks through before it asks its index: what is common is found there, and the
/// index would have to list all of it.
const NEWEST: u64 = 2000;

/// What is searched.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    pub(crate) terms: Vec<Term>,
    pub(crate) channel: Option<Channel>,
    pub(crate) direction: Option<Direction>,
    pub(crate) purpose: Option<Purpose>,
    pub(crate) language: Option<String>,
    /// An attribute and its value.
    pub(crate) tag: Option<(String, String)>,
    /// At or after.
    pub(crate) from: Option<Micros>,
    /// Before.
    pub(crate) until: Option<Micros>,
    /// Whether what comes first is what fits best, not what is newest.
    pub(crate) by_relevance: bool,
}

/// Where something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spot {
    pub(crate) at: Micros,
    pub(crate) id: Uuid,
    doc: i64,
}

impl Store {
    /// Reads so many events on in the log and puts contacts of it into the index; answers whether there is more. Words are found and
    /// blinded between two transactions: whoever writes does not wait for it.
    pub(crate) async fn index_next(&self, tenant: TenantId, events: usize) -> Result<bool, Error> {
        let read = |s: Scoped| async move { Next::read(&s, &self.vault, events).await };
        let Some(next) = self.db.read(tenant, read).await? else {
            return Ok(false);
        };
        let documents = documents(&self.vault, tenant, &next.logged).await;
        self.db
            .write(tenant, async |s| {
                // Whoever was faster has put the same there.
                if standing(&s).await? != next.from {
                    return Ok(next.more);
                }
                put(&s, still_there(&s, &documents).await?).await?;
                replace(&s, &self.vault, &next.told).await?;
                next.pass(&s).await?;
                Ok(next.more)
            })
            .await
    }

    /// Where something that fits may be found, newest event first.
    pub(crate) async fn search(
        &self,
        tenant: TenantId,
        search: &Search,
        behind: Option<Spot>,
        most: u64,
    ) -> Result<Vec<Spot>, Error> {
        let blind = Blind {
            vault: &self.vault,
            tenant,
        };
        let wanted = blind.wanted(search);
        let rows = match self.db.engine() {
            Engine::Postgres => {
                let range = Range::of(search, behind);
                self.search_across(tenant, &wanted.tsquery(), &range, most)
                    .await?
            }
            _ => {
                let bounds = [
                    behind.map_or_else(
                        || search.until.map_or(i64::MAX, first_place),
                        |spot| spot.doc,
                    ),
                    search.from.map_or(i64::MIN, first_place),
                    search.from.map_or(i64::MIN, |from| from.0),
                    search.until.map_or(i64::MAX, |until| until.0),
                ];
                self.db
                    .read(tenant, async |s| {
                        fts5(&s, &wanted.fts5(), bounds, most).await
                    })
                    .await?
            }
        };
        rows.iter().map(spot).collect()
    }
}

/// What the log says next.
struct Next {
    from: (i64, i64),
    to: (i64, i64),
    logged: Vec<Interaction>,
    /// What became known of these has words.
    told: BTreeSet<InteractionId>,
    more: bool,
}

impl Next {
    async fn read(s: &Scoped, vault: &Vault, most: usize) -> Result<Option<Self>, Error> {
        let from = read_until(s, "").await?;
        let sql = format!(
            "select epoch, n, kind, aggregate, case when kind = '{FACT}' then data end as data from log \
             where tenant_id = $1 and (epoch, n) > ($2, $3) order by epoch, n limit {most}"
        );
        let events = s.raw_all(&sql, [from.0.into(), from.1.into()]).await?;
        let Some(last) = events.last() else {
            return Ok(None);
        };
        let news = News::read(&events)?;
        let logged: Vec<InteractionId> = news.logged.difference(&news.told).copied().collect();
        Ok(Some(Self {
            from,
            to: (last.try_get("", "epoch")?, last.try_get("", "n")?),
            logged: super::interactions::load_logged(s, vault, &logged).await?,
            told: news.told,
            more: events.len() == most,
        }))
    }

    /// Notes that the log was read so far.
    async fn pass(&self, s: &Scoped) -> Result<(), Error> {
        let sql = "insert into search_mark (tenant_id, epoch, n) values ($1, $2, $3) \
                   on conflict (tenant_id) do update set epoch = excluded.epoch, n = excluded.n \
                   where search_mark.epoch = $4 and search_mark.n = $5";
        let values = [self.to.0, self.to.1, self.from.0, self.from.1].map(Value::from);
        if s.raw_exec(sql, values).await? == 0 {
            return Err(s.raced());
        }
        Ok(())
    }
}

/// What a part of the log means for the index.
#[derive(Default)]
struct News {
    logged: BTreeSet<InteractionId>,
    /// What became known of these has words.
    told: BTreeSet<InteractionId>,
}

impl News {
    fn read(events: &[QueryResult]) -> Result<Self, Error> {
        let mut news = Self::default();
        for event in events {
            let Ok(id) = event.try_get::<String>("", "aggregate")?.parse() else {
                continue;
            };
            match event.try_get::<String>("", "kind")?.as_str() {
                LOGGED => news.logged.insert(id),
                FACT if has_words(&event.try_get::<Vec<u8>>("", "data")?)? => news.told.insert(id),
                _ => continue,
            };
        }
        Ok(news)
    }
}

fn has_words(event: &[u8]) -> Result<bool, Error> {
    let event = Event::decode(event).map_err(|_| Error::Corrupt("an event does not decode"))?;
    let Some(Data::FactRecorded(fact)) = event.data else {
        return Ok(false);
    };
    Ok(matches!(
        fact.kind(),
        FactKind::Edit | FactKind::Transcript | FactKind::Disposition
    ))
}

/// Puts contacts whose text has changed into the index anew, those that are in it.
pub(super) async fn again(s: &Scoped, vault: &Vault, ids: &[InteractionId]) -> Result<(), Error> {
    if ids.is_empty() {
        return Ok(());
    }
    standing(s).await?;
    let rows = wanted(ids.iter().map(|id| id.uuid()));
    let query = "select e.interaction_id as id from k cross join search_entry e \
                 where e.tenant_id = $1 and e.interaction_id = k.wanted";
    let mut there = BTreeSet::new();
    for row in bulk::select(s, &WANTED, rows, query).await? {
        there.insert(InteractionId::from_uuid(row.try_get("", "id")?));
    }
    replace(s, vault, &there).await
}

/// Puts these contacts into the index with all that is known of them, in the place of what stood for them there.
async fn replace(s: &Scoped, vault: &Vault, ids: &BTreeSet<InteractionId>) -> Result<(), Error> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut anew = Vec::with_capacity(ids.len());
    // One at a time: only words are kept of what may be long transcripts.
    for id in ids {
        let told = super::interactions::load_told(s, vault, *id).await?;
        anew.extend(documents(vault, s.tenant(), told.as_slice()).await);
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    take(s, &ids).await?;
    put(s, anew.iter().collect()).await
}

/// The conditions on time, as PostgreSQL is given them.
pub(super) struct Range {
    from: i64,
    /// Before this, and of what took place then only ids below.
    before: (i64, Uuid),
}

impl Range {
    fn of(search: &Search, behind: Option<Spot>) -> Self {
        let until = search.until.map_or(i64::MAX, |until| until.0);
        Self {
            from: search.from.map_or(i64::MIN, |from| from.0),
            before: behind.map_or((until, Uuid::nil()), |spot| (spot.at.0, spot.id)),
        }
    }
}

/// Asks PostgreSQL. Row security lets no operator of a text search reach an index, because it could tell what it sees
/// of rows of others; the session is therefore the system's, each statement names the tenant, and what is found is
/// read behind the wall. Words of another tenant are blinded with another key and fit nothing.
pub(super) async fn tsvector(
    s: &Scoped,
    wanted: &str,
    range: &Range,
    most: u64,
) -> Result<Vec<QueryResult>, Error> {
    let of = "tenant_id = $1 and (event_at, interaction_id) < ($3, $4) and event_at >= $5";
    let order = "order by event_at desc, interaction_id desc limit";
    let values = || -> [Value; 4] {
        [
            wanted.into(),
            range.before.0.into(),
            range.before.1.into(),
            range.from.into(),
        ]
    };
    let newest = format!(
        "select interaction_id as id, event_at as at, doc from (select interaction_id, event_at, doc, words \
         from search_entry where {of} {order} {NEWEST}) e where words @@ ($2::text)::tsquery {order} {most}"
    );
    let found = s.raw_all(&newest, values()).await?;
    if u64::try_from(found.len()).unwrap_or(u64::MAX) >= most {
        return Ok(found);
    }
    let all = format!(
        "with e as materialized (select interaction_id, event_at, doc from search_entry \
         where words @@ ($2::text)::tsquery and {of}) \
         select interaction_id as id, event_at as at, doc from e {order} {most}"
    );
    s.raw_all(&all, values()).await
}

async fn fts5(
    s: &Scoped,
    wanted: &str,
    bounds: [i64; 4],
    most: u64,
) -> Result<Vec<QueryResult>, Error> {
    let sql = format!(
        "select e.interaction_id as id, e.event_at as at, e.doc from search_words cross join search_entry e \
         where search_words match $2 and search_words.rowid < $3 and search_words.rowid >= $4 \
         and e.doc = search_words.rowid and e.tenant_id = $1 and e.event_at >= $5 and e.event_at < $6 \
         order by search_words.rowid desc limit {most}"
    );
    let values = std::iter::once(Value::from(wanted)).chain(bounds.map(Value::from));
    s.raw_all(&sql, values.collect::<Vec<_>>()).await
}

fn first_place(at: Micros) -> i64 {
    at.0.clamp(0, i64::MAX / PLACES / 2) * PLACES
}

fn spot(row: &QueryResult) -> Result<Spot, Error> {
    Ok(Spot {
        at: Micros(row.try_get("", "at")?),
        id: row.try_get("", "id")?,
        doc: row.try_get("", "doc")?,
    })
}

/// How far the log was read; who reads it holds the others up until the transaction ends.
async fn standing(s: &Scoped) -> Result<(i64, i64), Error> {
    let lock = if s.engine() == Engine::Postgres {
        "for update"
    } else {
        ""
    };
    read_until(s, lock).await
}

async fn read_until(s: &Scoped, lock: &str) -> Result<(i64, i64), Error> {
    let sql = format!("select epoch, n from search_mark where tenant_id = $1 {lock}");
    let Some(row) = s.raw_one(&sql, []).await? else {
        return Ok((0, 0));
    };
    Ok((row.try_get("", "epoch")?, row.try_get("", "n")?))
}

async fn documents(vault: &Vault, tenant: TenantId, interactions: &[Interaction]) -> Vec<Document> {
    let blind = Blind { vault, tenant };
    let mut documents = Vec::with_capacity(interactions.len());
    for some in interactions.chunks(AT_ONCE) {
        documents.extend(some.iter().map(|one| blind.document(one)));
        // Each takes some ten microseconds of a thread on which calls wait to be answered.
        tokio::task::yield_now().await;
    }
    documents
}

/// Those whose contact was not taken out of the log since they were read.
async fn still_there<'a>(
    s: &Scoped,
    documents: &'a [Document],
) -> Result<Vec<&'a Document>, Error> {
    let ids = wanted(documents.iter().map(|document| document.id));
    let its = bulk::each(s.engine(), "interaction i", BY_ID);
    let query = format!("select i.id from k {its}");
    let mut there = BTreeSet::new();
    for row in bulk::select(s, &WANTED, ids, &query).await? {
        there.insert(row.try_get::<Uuid>("", "id")?);
    }
    let is_there = |document: &&Document| there.contains(&document.id);
    Ok(documents.iter().filter(is_there).collect())
}

async fn put(s: &Scoped, mut documents: Vec<&Document>) -> Result<(), Error> {
    documents.sort_by_key(|document| document.at);
    match s.engine() {
        Engine::Postgres => put_tsvectors(s, &documents).await,
        _ => put_words(s, documents).await,
    }
}

/// Takes the entries of contacts away, in one order with whoever puts contacts there.
pub(super) async fn remove(s: &Scoped, ids: &[Uuid]) -> Result<(), Error> {
    standing(s).await?;
    take(s, ids).await
}

/// Takes entries away. What was just logged has none.
async fn take(s: &Scoped, ids: &[Uuid]) -> Result<(), Error> {
    let rows = || wanted(ids.iter().copied());
    if s.engine() != Engine::Postgres {
        let words = "delete from search_words where rowid in (select e.doc from k cross join search_entry e \
                     where e.tenant_id = $1 and e.interaction_id = k.wanted)";
        bulk::change(s, &WANTED, rows(), words).await?;
    }
    let entries = "delete from search_entry where tenant_id = $1 and interaction_id in (select wanted from k)";
    bulk::change(s, &WANTED, rows(), entries).await?;
    Ok(())
}

async fn put_tsvectors(s: &Scoped, documents: &[&Document]) -> Result<(), Error> {
    const COLUMNS: [(&str, Type); 4] = [
        ("id", Type::Uuid),
        ("at", Type::Big),
        ("subject", Type::Text),
        ("said", Type::Text),
    ];
    let rows = documents.iter().map(|one| -> Vec<Value> {
        vec![
            one.id.into(),
            one.at.into(),
            one.subject.as_str().into(),
            one.tsvector().into(),
        ]
    });
    let statement = "insert into search_entry (tenant_id, interaction_id, doc, event_at, subject_key, words) \
                     select $1::uuid, k.id, 0, k.at, k.subject, k.said::tsvector from k";
    bulk::change(s, &COLUMNS, rows.collect(), statement).await?;
    Ok(())
}

async fn put_words(s: &Scoped, mut documents: Vec<&Document>) -> Result<(), Error> {
    const ENTRY: [(&str, Type); 4] = [
        ("interaction_id", Type::Uuid),
        ("doc", Type::Big),
        ("event_at", Type::Big),
        ("subject_key", Type::Text),
    ];
    const WORDS: [(&str, Type); 4] = [
        ("id", Type::Uuid),
        ("words", Type::Text),
        ("beginnings", Type::Text),
        ("facets", Type::Text),
    ];
    for tried in 0..=TRIES {
        // The index grows at its end when places come in order.
        documents.sort_by_key(|document| document.place(tried));
        let rows = documents.iter().map(|one| -> Vec<Value> {
            vec![
                one.id.into(),
                one.place(tried).into(),
                one.at.into(),
                one.subject.as_str().into(),
            ]
        });
        bulk::insert(
            s,
            "search_entry",
            &ENTRY,
            rows.collect(),
            "on conflict (doc) do nothing",
        )
        .await?;
        let ids = wanted(documents.iter().map(|document| document.id));
        let query = "select e.interaction_id as id from k cross join search_entry e \
                     where e.tenant_id = $1 and e.interaction_id = k.wanted";
        let mut placed = BTreeSet::new();
        for row in bulk::select(s, &WANTED, ids, query).await? {
            placed.insert(row.try_get::<Uuid>("", "id")?);
        }
        let (done, left): (Vec<&Document>, Vec<&Document>) = documents
            .into_iter()
            .partition(|document| placed.contains(&document.id));
        let rows = done.iter().map(|one| -> Vec<Value> {
            let beginnings: Vec<&str> = one.beginnings.iter().map(String::as_str).collect();
            vec![
                one.id.into(),
                one.words.join(" ").into(),
                beginnings.join(" ").into(),
                one.facets.join(" ").into(),
            ]
        });
        let statement = "insert into search_words (rowid, words, beginnings, facets) \
                         select e.doc, k.words, k.beginnings, k.facets from k cross join search_entry e \
                         where e.tenant_id = $1 and e.interaction_id = k.id order by e.doc";
        bulk::change(s, &WORDS, rows.collect(), statement).await?;
        documents = left;
        if documents.is_empty() {
            return Ok(());
        }
    }
    Err(s.raced())
}
