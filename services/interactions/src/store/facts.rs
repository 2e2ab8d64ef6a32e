//! Logging what became known of contacts later: beside the contact, or before it.

mod telling;

use std::collections::{BTreeMap, HashMap};

use rapport_foundation::db::bulk::{self, Type};
use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{ConversationId, InteractionId};
use rapport_foundation::seal::{Subject, SubjectKeys, Vault};
use rapport_foundation::time::Micros;
use sea_orm::{QueryResult, Value};

use super::contact::{self, bound};
use super::media::{self, Ready, Use};
use super::outbound::{self, Tell};
use super::{body, forget, numbers};
use crate::domain::ending::{self, Ending, Refused};
use crate::domain::{End, Fact, Kind, Known, limits};

pub(crate) use telling::{BecameKnown, FactOutcome, FactTelling};

/// A contact as its connector names it: connector and external id.
pub(super) type ContactKey<'a> = (&'a str, &'a str);

/// An interaction as far as its facts need it.
#[derive(Debug, Clone)]
pub(super) struct About {
    pub(super) id: InteractionId,
    pub(super) conversation: ConversationId,
    kind: Kind,
    started_at: Micros,
    pub(super) subject: Subject,
    end: Option<End>,
}

impl About {
    /// What a fact does to the end of the contact, of which a later one may be known by now; nothing when it says nothing of
    /// it.
    pub(super) fn ending(
        &self,
        fact: &Fact,
        later: Option<End>,
    ) -> Result<Option<(Ending, End)>, Refused> {
        let Known::End(reason) = fact.what else {
            return Ok(None);
        };
        let end = End {
            at: fact.event_at,
            reason,
        };
        let (known, again) = (later.or(self.end), !fact.key.is_empty());
        ending::end(self.kind, self.started_at, known, end, again).map(|ending| Some((ending, end)))
    }

    pub(super) fn became_known(&self, fact: &Fact, traceparent: Option<String>) -> BecameKnown {
        let end = match fact.what {
            Known::End(reason) => Some(reason),
            _ => None,
        };
        BecameKnown {
            interaction: self.id,
            conversation: self.conversation,
            kind: fact.what.kind(),
            at: fact.event_at,
            end,
            traceparent,
        }
    }
}

/// How contacts end by what is told at once, each by its last end, and when that was told.
type Ends = BTreeMap<InteractionId, (End, Micros)>;

/// A new fact with what is sealed into its row.
struct Fresh<'a> {
    telling: &'a FactTelling,
    about: Option<&'a About>,
    body: Vec<u8>,
}

impl Fresh<'_> {
    fn subject(&self) -> &Subject {
        self.about
            .map_or(&self.telling.waiting, |about| &about.subject)
    }
}

/// Logs facts of the tenant of `s`, in the order given; answers what became of each, and what others are to be told.
pub(super) async fn record(
    s: &Scoped,
    vault: &Vault,
    tellings: &[&FactTelling],
    tell: Tell,
) -> Result<(Vec<FactOutcome>, Vec<BecameKnown>), Error> {
    if tellings.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let renamed = outbound::by_message(s, tellings).await?;
    let named = tellings.iter().zip(&renamed);
    let tellings: Vec<&FactTelling> = named
        .map(|(telling, renamed)| renamed.as_ref().unwrap_or(telling))
        .collect();
    let contacts: Vec<ContactKey<'_>> = tellings.iter().map(|one| one.contact()).collect();
    let about = about(s, &contacts).await?;
    let forgotten = forgotten(s, vault, &contacts, &about).await?;
    let mut room = room(s, &contacts).await?;
    let mut held = held(s, &tellings).await?;
    let named = tellings.iter().flat_map(|one| &one.media).copied();
    let media = media::ready(s, vault, &named.collect()).await?;
    let (mut outcomes, mut fresh) = (Vec::with_capacity(tellings.len()), Vec::new());
    let mut ends: Ends = BTreeMap::new();
    for telling in &tellings {
        // Nothing more is kept of a contact that was forgotten.
        if let Some(id) = forgotten.get(&telling.contact()) {
            outcomes.push(FactOutcome::Duplicate(Some(*id)));
            continue;
        }
        let contact = about.get(&telling.contact());
        let id = contact.map(|one| one.id);
        let key = (telling.contact(), telling.fact.key.as_str());
        if let Some(digest) = held.get(&key) {
            outcomes.push(if *digest == telling.digest {
                FactOutcome::Duplicate(id)
            } else {
                FactOutcome::Conflict
            });
            continue;
        }
        if let Some(missing) = media::names_missing(&telling.media, &media) {
            outcomes.push(FactOutcome::NamesNoMedia(missing));
            continue;
        }
        let later = id.and_then(|id| ends.get(&id)).map(|(end, _)| *end);
        let ended = match contact
            .map(|one| one.ending(&telling.fact, later))
            .transpose()
        {
            Err(refused) => {
                outcomes.push(FactOutcome::Refused(refused));
                continue;
            }
            Ok(Some(Some((Ending::Known, _)))) => {
                outcomes.push(FactOutcome::Duplicate(id));
                continue;
            }
            Ok(ended) => ended.flatten().map(|(_, end)| end),
        };
        let body = body::encode_fact(&telling.fact)?;
        let (count, bytes) = room.entry(telling.contact()).or_default();
        if *count >= limits::FACTS || *bytes + body.len() > limits::FACTS_BYTES {
            outcomes.push(FactOutcome::Full);
            continue;
        }
        *count += 1;
        *bytes += body.len();
        held.insert(key, telling.digest.clone());
        if let Some((id, end)) = id.zip(ended) {
            ends.insert(id, (end, telling.received_at));
        }
        outcomes.push(FactOutcome::Fresh(id));
        fresh.push(Fresh {
            telling,
            about: contact,
            body,
        });
    }
    let keys = insert(s, vault, &fresh).await?;
    tie(s, &fresh, &media, &keys).await?;
    wait(s, &fresh).await?;
    end(s, ends).await?;
    deliver(s, &fresh, tell).await?;
    let told = fresh.iter().filter_map(|one| {
        let telling = one.telling;
        Some(
            one.about?
                .became_known(&telling.fact, telling.traceparent.clone()),
        )
    });
    Ok((outcomes, told.collect()))
}

const CONTACT: [(&str, Type); 3] = [
    ("place", Type::Big),
    ("connector", Type::Text),
    ("external_id", Type::Text),
];

/// Each contact once, with the place of one that names it.
fn places(contacts: &[ContactKey<'_>]) -> Vec<Vec<Value>> {
    let places: BTreeMap<ContactKey<'_>, usize> = contacts
        .iter()
        .enumerate()
        .map(|(place, contact)| (*contact, place))
        .collect();
    let row = |((connector, external_id), place): (ContactKey<'_>, usize)| -> Vec<Value> {
        let place = i64::try_from(place).unwrap_or(i64::MAX);
        vec![place.into(), connector.into(), external_id.into()]
    };
    places.into_iter().map(row).collect()
}

fn at_place<T: Copy>(row: &QueryResult, list: &[T]) -> Result<Option<T>, Error> {
    let place: i64 = row.try_get("", "place")?;
    Ok(usize::try_from(place)
        .ok()
        .and_then(|place| list.get(place).copied()))
}

/// That a fact `f` is about the contact of a row `k`.
pub(super) const OF_CONTACT: &str =
    "f.tenant_id = $1 and f.connector = k.connector and f.external_id = k.external_id";

/// The contacts that are here.
pub(super) async fn about<'a>(
    s: &Scoped,
    contacts: &[ContactKey<'a>],
) -> Result<HashMap<ContactKey<'a>, About>, Error> {
    let its = bulk::each(s.engine(), "interaction i", contact::BY_KEY);
    let query = format!(
        "select k.place, i.id, i.conversation_id, i.kind, i.event_at, i.subject_key, e.ended_at, e.reason \
         from k {its} left join contact_end e on e.tenant_id = i.tenant_id and e.interaction_id = i.id"
    );
    let mut about = HashMap::new();
    for row in bulk::select(s, &CONTACT, places(contacts), &query).await? {
        let kind = Kind::from_code(row.try_get("", "kind")?)
            .ok_or(Error::Corrupt("a stored code is not known"))?;
        let found = About {
            id: InteractionId::from_uuid(row.try_get("", "id")?),
            conversation: ConversationId::from_uuid(row.try_get("", "conversation_id")?),
            kind,
            started_at: Micros(row.try_get("", "event_at")?),
            subject: row.try_get("", "subject_key")?,
            end: super::interactions::end(&row)?,
        };
        if let Some(contact) = at_place(&row, contacts)? {
            about.insert(contact, found);
        }
    }
    Ok(about)
}

/// Those of the contacts that are not here because they were forgotten.
async fn forgotten<'a>(
    s: &Scoped,
    vault: &Vault,
    contacts: &[ContactKey<'a>],
    about: &HashMap<ContactKey<'a>, About>,
) -> Result<HashMap<ContactKey<'a>, InteractionId>, Error> {
    const KEYS: [(&str, Type); 3] = [CONTACT[0], CONTACT[1], ("key_blind", Type::Bytes)];
    let absent = contacts
        .iter()
        .enumerate()
        .filter(|(_, contact)| !about.contains_key(*contact));
    let row = |(place, (connector, external_id)): (usize, &ContactKey<'a>)| -> Vec<Value> {
        let place = i64::try_from(place).unwrap_or(i64::MAX);
        let blind = forget::key_blind(vault, s.tenant(), external_id);
        vec![place.into(), (*connector).into(), blind.into()]
    };
    let query = "select k.place, f.interaction_id from k cross join forgotten_contact f \
                 where f.tenant_id = $1 and f.connector = k.connector and f.key_blind = k.key_blind";
    let mut forgotten = HashMap::new();
    for row in bulk::select(s, &KEYS, absent.map(row).collect(), query).await? {
        if let Some(contact) = at_place(&row, contacts)? {
            let id = InteractionId::from_uuid(row.try_get("", "interaction_id")?);
            forgotten.insert(contact, id);
        }
    }
    Ok(forgotten)
}

/// How many facts each contact has, and how many bytes they take.
async fn room<'a>(
    s: &Scoped,
    contacts: &[ContactKey<'a>],
) -> Result<HashMap<ContactKey<'a>, (usize, usize)>, Error> {
    let its = bulk::each(s.engine(), "interaction_fact f", OF_CONTACT);
    let query = format!(
        "select k.place, count(*) as facts, cast(sum(length(f.body)) as bigint) as bytes from k {its} \
         group by k.place"
    );
    let mut room = HashMap::new();
    for row in bulk::select(s, &CONTACT, places(contacts), &query).await? {
        let number = |name| -> Result<usize, Error> {
            Ok(usize::try_from(row.try_get::<i64>("", name)?).unwrap_or(usize::MAX))
        };
        if let Some(contact) = at_place(&row, contacts)? {
            room.insert(contact, (number("facts")?, number("bytes")?));
        }
    }
    Ok(room)
}

/// Which of the keys are taken, and by what.
async fn held<'a>(
    s: &Scoped,
    tellings: &[&'a FactTelling],
) -> Result<HashMap<(ContactKey<'a>, &'a str), Vec<u8>>, Error> {
    const KEYS: [(&str, Type); 4] = [CONTACT[0], CONTACT[1], CONTACT[2], ("fact_key", Type::Text)];
    let row = |(place, telling): (usize, &&FactTelling)| -> Vec<Value> {
        vec![
            i64::try_from(place).unwrap_or(i64::MAX).into(),
            telling.connector.as_str().into(),
            telling.fact.external_id.as_str().into(),
            telling.fact.key.as_str().into(),
        ]
    };
    let fits = format!("{OF_CONTACT} and f.fact_key = k.fact_key");
    let its = bulk::each(s.engine(), "interaction_fact f", &fits);
    let query = format!("select k.place, f.content_digest from k {its}");
    let rows = tellings.iter().enumerate().map(row).collect();
    let mut held = HashMap::new();
    for row in bulk::select(s, &KEYS, rows, &query).await? {
        if let Some(telling) = at_place(&row, tellings)? {
            let key = (telling.contact(), telling.fact.key.as_str());
            held.insert(key, row.try_get("", "content_digest")?);
        }
    }
    Ok(held)
}

async fn insert(s: &Scoped, vault: &Vault, fresh: &[Fresh<'_>]) -> Result<SubjectKeys, Error> {
    const COLUMNS: [(&str, Type); 11] = [
        ("connector", Type::Text),
        ("external_id", Type::Text),
        ("fact_key", Type::Text),
        ("kind", Type::Small),
        ("event_at", Type::Big),
        ("received_at", Type::Big),
        ("subject_key", Type::Text),
        ("content_digest", Type::Bytes),
        ("body", Type::Bytes),
        ("raw_payload", Type::Bytes),
        ("numbers", Type::Bytes),
    ];
    let subjects: Vec<Subject> = fresh.iter().map(|one| one.subject().clone()).collect();
    let keys = vault.keys(s, &subjects).await?;
    let mut rows = Vec::with_capacity(fresh.len());
    for one in fresh {
        let FactTelling {
            connector, fact, ..
        } = one.telling;
        let row = (
            connector.as_str(),
            fact.external_id.as_str(),
            fact.key.as_str(),
        );
        let (body, raw) = seal(&keys, one.subject(), row, &one.body, &fact.raw_payload.0)?;
        let key = keys.require(one.subject())?;
        let kept = numbers::seal(&key, &row_of(row), &one.telling.sealed)?;
        rows.push(vec![
            connector.as_str().into(),
            fact.external_id.as_str().into(),
            fact.key.as_str().into(),
            fact.what.kind().code().into(),
            fact.event_at.0.into(),
            one.telling.received_at.0.into(),
            one.subject().as_str().into(),
            one.telling.digest.clone().into(),
            body.into(),
            raw.into(),
            kept.into(),
        ]);
    }
    let behind = "on conflict (tenant_id, connector, external_id, fact_key) do nothing";
    let inserted = bulk::insert(s, "interaction_fact", &COLUMNS, rows, behind).await?;
    all(s, inserted, fresh.len())?;
    Ok(keys)
}

/// Another replica may have come first since the keys were looked up: all is done again with what is there now.
fn all(s: &Scoped, inserted: u64, wanted: usize) -> Result<(), Error> {
    if inserted == u64::try_from(wanted).unwrap_or(u64::MAX) {
        Ok(())
    } else {
        Err(s.raced())
    }
}

/// Notes what files those name whose contact is here. The others do it when it comes.
async fn tie(
    s: &Scoped,
    fresh: &[Fresh<'_>],
    media: &Ready,
    keys: &SubjectKeys,
) -> Result<(), Error> {
    let uses = fresh.iter().filter_map(|one| {
        let about = one.about?;
        Some(Use {
            interaction: about.id,
            subject: &about.subject,
            media: &one.telling.media,
        })
    });
    media::tie(s, media, keys, &uses.collect::<Vec<_>>()).await
}

/// Notes those whose contact is not here.
async fn wait(s: &Scoped, fresh: &[Fresh<'_>]) -> Result<(), Error> {
    const COLUMNS: [(&str, Type); 4] = [
        CONTACT[1],
        CONTACT[2],
        ("fact_key", Type::Text),
        ("traceparent", Type::Text),
    ];
    let row = |one: &Fresh<'_>| -> Vec<Value> {
        let telling = one.telling;
        vec![
            telling.connector.as_str().into(),
            telling.fact.external_id.as_str().into(),
            telling.fact.key.as_str().into(),
            telling.traceparent.as_deref().unwrap_or_default().into(),
        ]
    };
    let waiting = fresh.iter().filter(|one| one.about.is_none());
    bulk::insert(s, "waiting_fact", &COLUMNS, waiting.map(row).collect(), "").await?;
    Ok(())
}

/// Notes how far messages of ours came.
async fn deliver(s: &Scoped, fresh: &[Fresh<'_>], tell: Tell) -> Result<(), Error> {
    let told = fresh.iter().filter_map(|one| {
        let Known::Delivery(delivery) = &one.telling.fact.what else {
            return None;
        };
        Some((one.about?.id, delivery))
    });
    outbound::delivered(s, &told.collect::<Vec<_>>(), tell).await
}

/// Notes how contacts end.
async fn end(s: &Scoped, ends: Ends) -> Result<(), Error> {
    let wanted = ends.len();
    let ends = ends.into_iter().map(|(id, (end, told))| (id, end, told));
    let noted = note_ends(s, ends.collect()).await?;
    all(s, noted, wanted)
}

/// Notes ends of contacts that have none yet, or an earlier one; answers how many.
pub(super) async fn note_ends(
    s: &Scoped,
    ends: Vec<(InteractionId, End, Micros)>,
) -> Result<u64, Error> {
    const COLUMNS: [(&str, Type); 4] = [
        ("interaction_id", Type::Uuid),
        ("ended_at", Type::Big),
        ("reason", Type::Small),
        ("told_at", Type::Big),
    ];
    let row = |(id, end, told_at): (InteractionId, End, Micros)| -> Vec<Value> {
        vec![
            id.uuid().into(),
            end.at.0.into(),
            end.reason.code().into(),
            told_at.0.into(),
        ]
    };
    let rows = ends.into_iter().map(row).collect();
    let behind = "on conflict (tenant_id, interaction_id) do update set ended_at = excluded.ended_at, \
                  reason = excluded.reason, told_at = excluded.told_at \
                  where contact_end.ended_at < excluded.ended_at";
    bulk::insert(s, "contact_end", &COLUMNS, rows, behind).await
}

/// Body and raw payload of a fact, sealed for its row.
pub(super) fn seal(
    keys: &SubjectKeys,
    subject: &str,
    row: (&str, &str, &str),
    body: &[u8],
    raw: &[u8],
) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let key = keys.require(subject)?;
    let row = row_of(row);
    let sealed_raw = if raw.is_empty() {
        Vec::new()
    } else {
        key.seal(raw, &bound(&row, b"raw"))
    };
    Ok((key.seal(body, &bound(&row, b"body")), sealed_raw))
}

/// What is sealed opens in this row only. None of the three holds a NUL.
pub(super) fn row_of((connector, external_id, key): (&str, &str, &str)) -> Vec<u8> {
    format!("fact/{connector}\0{external_id}\0{key}").into_bytes()
}
