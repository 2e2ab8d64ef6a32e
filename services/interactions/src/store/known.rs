//! Reading what became known of contacts later.

use std::collections::{BTreeMap, HashMap};

use rapport_foundation::db::bulk::{self, Type};
use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::TenantId;
use rapport_foundation::seal::{Subject, SubjectKeys, Vault};
use rapport_foundation::time::Micros;
use sea_orm::{QueryResult, Value};

use super::contact::bound;
use super::facts::{ContactKey, OF_CONTACT, row_of};
use super::{Store, body};
use crate::domain::contact::Payload;
use crate::domain::fact::Logged;
use crate::domain::{Fact, FactKind, Known, State, Transcript, fact};

/// A place among the facts of one contact.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct FactPlace {
    pub(crate) at: Micros,
    pub(crate) key: String,
}

/// How much of a fact is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// All but the raw payload.
    Whole,
    /// Not what was edited or transcribed: only that it was. A page of contacts has room for no more.
    Brief,
}

/// One fact as read, still sealed.
struct Sealed {
    connector: String,
    external_id: String,
    key: String,
    kind: FactKind,
    event_at: Micros,
    received_at: Micros,
    subject: Subject,
    body: Vec<u8>,
    raw: Vec<u8>,
}

/// The states of contacts, each in the place of its contact.
pub(super) async fn states(
    vault: &Vault,
    s: &Scoped,
    contacts: &[ContactKey<'_>],
    depth: Depth,
) -> Result<Vec<State>, Error> {
    const KEYS: [(&str, Type); 3] = [
        ("place", Type::Big),
        ("connector", Type::Text),
        ("external_id", Type::Text),
    ];
    let row = |(place, (connector, external_id)): (usize, &ContactKey<'_>)| -> Vec<Value> {
        let place = i64::try_from(place).unwrap_or(i64::MAX);
        vec![place.into(), (*connector).into(), (*external_id).into()]
    };
    let body = match depth {
        Depth::Whole => "f.body".to_owned(),
        Depth::Brief => {
            let (transcript, edit) = (FactKind::Transcript.code(), FactKind::Edit.code());
            format!(
                "case when f.kind in ({transcript}, {edit}) then substr(f.body, 1, 0) else f.body end as body"
            )
        }
    };
    let its = bulk::each(s.engine(), "interaction_fact f", OF_CONTACT);
    let query = format!(
        "select k.place, f.connector, f.external_id, f.fact_key, f.kind, f.event_at, f.received_at, f.subject_key, {body} \
         from k {its}"
    );
    let rows = contacts.iter().enumerate().map(row).collect();
    let found = bulk::select(s, &KEYS, rows, &query).await?;
    if found.is_empty() {
        return Ok(contacts.iter().map(|_| State::default()).collect());
    }
    let read = found
        .iter()
        .map(|row| Ok((row.try_get::<i64>("", "place")?, read(row, false)?)))
        .collect::<Result<Vec<_>, Error>>()?;
    let (places, sealed): (Vec<i64>, Vec<Sealed>) = read.into_iter().unzip();
    let opened = open(vault, s, sealed).await?;
    let mut facts: HashMap<i64, Vec<Fact>> = HashMap::new();
    for (place, logged) in places.into_iter().zip(opened) {
        // What was erased is left out.
        let fact = logged.map(|logged| logged.fact);
        facts.entry(place).or_default().extend(fact);
    }
    let state = |place: usize| {
        let place = i64::try_from(place).unwrap_or(i64::MAX);
        fact::state(facts.remove(&place).unwrap_or_default())
    };
    Ok((0..contacts.len()).map(state).collect())
}

impl Store {
    /// Facts of a contact behind a place, oldest first: as many as fit into `most` and `bytes`, and whether there are
    /// more.
    pub(crate) async fn facts(
        &self,
        tenant: TenantId,
        (connector, external_id): (&str, &str),
        behind: Option<FactPlace>,
        most: u32,
        bytes: usize,
    ) -> Result<(Vec<Logged>, bool), Error> {
        let after = behind.unwrap_or(FactPlace {
            at: Micros(i64::MIN),
            key: String::new(),
        });
        let sql = "select f.connector, f.external_id, f.fact_key, f.kind, f.event_at, f.received_at, f.subject_key, \
                   f.body, f.raw_payload from interaction_fact f \
                   where f.tenant_id = $1 and f.connector = $2 and f.external_id = $3 \
                   and (f.event_at, f.fact_key) > ($4, $5) order by f.event_at, f.fact_key limit $6";
        self.db
            .read(tenant, async |s| {
                let mut taken = Vec::new();
                let (mut total, mut more) = (0_usize, false);
                let (mut at, mut key) = (after.at.0, after.key.clone());
                // A few at a time: a contact may have more than fits into memory for one answer.
                'all: loop {
                    let step = (i64::from(most) + 1).min(16);
                    let values: [Value; 5] = [
                        connector.into(),
                        external_id.into(),
                        at.into(),
                        key.as_str().into(),
                        step.into(),
                    ];
                    let rows = s.raw_all(sql, values).await?;
                    let last = rows.len() < usize::try_from(step).unwrap_or(0);
                    for row in rows {
                        let sealed = read(&row, true)?;
                        total += sealed.body.len() + sealed.raw.len();
                        if taken.len() == most as usize || (!taken.is_empty() && total > bytes) {
                            more = true;
                            break 'all;
                        }
                        (at, key) = (sealed.event_at.0, sealed.key.clone());
                        taken.push(sealed);
                    }
                    if last {
                        break;
                    }
                }
                let opened = open(&self.vault, &s, taken).await?;
                Ok((opened.into_iter().flatten().collect(), more))
            })
            .await
    }
}

fn read(row: &QueryResult, with_raw: bool) -> Result<Sealed, Error> {
    Ok(Sealed {
        connector: row.try_get("", "connector")?,
        external_id: row.try_get("", "external_id")?,
        key: row.try_get("", "fact_key")?,
        kind: FactKind::from_code(row.try_get("", "kind")?)
            .ok_or(Error::Corrupt("a stored code is not known"))?,
        event_at: Micros(row.try_get("", "event_at")?),
        received_at: Micros(row.try_get("", "received_at")?),
        subject: row.try_get("", "subject_key")?,
        body: row.try_get("", "body")?,
        raw: if with_raw {
            row.try_get("", "raw_payload")?
        } else {
            Vec::new()
        },
    })
}

/// Opens facts; none in the place of what was erased.
async fn open(
    vault: &Vault,
    s: &Scoped,
    sealed: Vec<Sealed>,
) -> Result<Vec<Option<Logged>>, Error> {
    let subjects: Vec<Subject> = sealed.iter().map(|one| one.subject.clone()).collect();
    let keys = vault.existing(s, &subjects).await?;
    sealed.into_iter().map(|one| one.open(&keys)).collect()
}

impl Sealed {
    fn open(self, keys: &SubjectKeys) -> Result<Option<Logged>, Error> {
        let row = row_of((&self.connector, &self.external_id, &self.key));
        let Some(key) = keys.get(&self.subject) else {
            return Ok(None);
        };
        let left_out = |what| (what, BTreeMap::new());
        let (what, attributes) = match self.kind {
            FactKind::Transcript if self.body.is_empty() => {
                left_out(Known::Transcript(Transcript::default()))
            }
            FactKind::Edit if self.body.is_empty() => left_out(Known::Edit(Vec::new())),
            _ => match key.open(&self.body, &bound(&row, b"body")) {
                Err(Error::Erased) => return Ok(None),
                opened => body::decode_fact(&opened?)?,
            },
        };
        let raw = if self.raw.is_empty() {
            Vec::new()
        } else {
            key.open(&self.raw, &bound(&row, b"raw"))?
        };
        Ok(Some(Logged {
            fact: Fact {
                external_id: self.external_id,
                key: self.key,
                event_at: self.event_at,
                what,
                attributes,
                raw_payload: Payload(raw),
            },
            received_at: self.received_at,
        }))
    }
}

/// A fact that waited, as it is read to be tied to its contact; none when it was erased meanwhile.
pub(super) async fn one(
    vault: &Vault,
    s: &Scoped,
    row: (&str, &str, &str),
) -> Result<Option<Logged>, Error> {
    let sql = "select f.connector, f.external_id, f.fact_key, f.kind, f.event_at, f.received_at, f.subject_key, \
               f.body, f.raw_payload from interaction_fact f \
               where f.tenant_id = $1 and f.connector = $2 and f.external_id = $3 and f.fact_key = $4";
    let values: [Value; 3] = [row.0.into(), row.1.into(), row.2.into()];
    let Some(found) = s.raw_one(sql, values).await? else {
        return Ok(None);
    };
    let opened = open(vault, s, vec![read(&found, true)?]).await?;
    Ok(opened.into_iter().flatten().next())
}
