//! Logging many contacts of one tenant in one transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rapport_foundation::db::bulk::{self, Type};
use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{ConversationId, InteractionId, MediaId, TenantId};
use rapport_foundation::seal::{Subject, SubjectKeys, Vault};
use rapport_foundation::time::Micros;
use sea_orm::Value;
use uuid::Uuid;

use super::contact::{self, Beside};
use super::media::{self, Ready, Use};
use super::{conflicts, forget, mails, numbers, outbound, split, subject, threads};
use crate::domain::dedupe::{self, Holder, Verdict};
use crate::domain::numbers::Taking;
use crate::domain::{Contact, Intake, Numbers, Rules, SealedNumber, content, part, privacy};

/// One contact on its way into the log, with everything that can be worked out before the transaction.
#[derive(Debug)]
pub(crate) struct Telling {
    pub(crate) tenant: TenantId,
    pub(crate) connector: String,
    pub(crate) contact: Contact,
    /// The id it gets when it is new; the same however often the transaction is repeated.
    pub(crate) id: InteractionId,
    pub(crate) received_at: Micros,
    pub(crate) traceparent: Option<String>,
    pub(super) subject: Subject,
    pub(super) digest: Vec<u8>,
    /// The blind index of the thread key; empty when there is none.
    pub(super) thread: Vec<u8>,
    /// Whose thread it is, where that is another connector's.
    thread_of: Option<String>,
    /// What it is found by and finds others by, when it is a mail.
    pub(super) clues: Vec<mails::Clue>,
    /// What becomes of numbers in its texts.
    pub(super) numbers: Numbers,
    /// What was taken out of them and is kept.
    pub(super) sealed: Vec<SealedNumber>,
    /// The files it names.
    media: BTreeSet<MediaId>,
}

impl Telling {
    /// A contact without what must not be seen. What tells duplicates apart is of the text as it was said.
    pub(crate) fn new(
        vault: &Vault,
        tenant: TenantId,
        connector: &str,
        contact: Contact,
        numbers: Numbers,
        now: Micros,
        traceparent: Option<String>,
    ) -> Self {
        let id = InteractionId::new(now);
        let thread = contact.content.thread_key.expose();
        let thread = if thread.is_empty() {
            Vec::new()
        } else {
            vault.blind(tenant, "thread", thread)
        };
        let subject = subject::of(vault, tenant, id, &contact);
        let digest = vault.blind(tenant, "content", &content::canonical(&contact));
        let token = |kind, number: &str| numbers::token(vault, tenant, kind, number);
        let mut taking = Taking::new(numbers, &token);
        let contact = privacy::mask(contact, &mut taking);
        Self {
            clues: mails::clues(vault, tenant, &contact),
            subject,
            digest,
            thread,
            media: part::named(&contact.content.parts),
            tenant,
            connector: connector.to_owned(),
            contact,
            id,
            received_at: now,
            traceparent,
            thread_of: None,
            numbers,
            sealed: taking.kept(),
        }
    }

    /// The same in a conversation that is there already.
    #[must_use]
    pub(crate) fn in_thread(mut self, thread: Thread) -> Self {
        self.thread_of = Some(thread.connector);
        self.thread = thread.key;
        self
    }

    pub(super) fn key(&self) -> (&str, &str) {
        (&self.connector, &self.contact.external_id)
    }

    /// What its conversation is found by.
    pub(super) fn thread(&self) -> (&str, &[u8]) {
        let connector = self.thread_of.as_deref();
        (connector.unwrap_or(&self.connector), &self.thread)
    }
}

/// What a conversation is found by.
#[derive(Debug, Clone)]
pub(crate) struct Thread {
    pub(super) connector: String,
    pub(super) key: Vec<u8>,
}

/// What is known of a contact once it is logged.
#[derive(Debug, Clone)]
pub(crate) struct Logged {
    pub(crate) conversation: ConversationId,
    pub(crate) conversation_position: i64,
    pub(crate) intake: Intake,
}

/// What became of a contact.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// It was logged.
    Fresh(Logged),
    /// It had been logged before, as this interaction.
    Duplicate(InteractionId),
    /// Its key is this interaction's, which says something else; it was kept as a conflict.
    Conflict(InteractionId),
    /// It names this file, which is not there.
    NamesNoMedia(MediaId),
}

/// Logs contacts of the tenant of `s`, in the order given; answers what became of each.
pub(super) async fn record(
    s: &Scoped,
    vault: &Vault,
    rules: &Rules,
    tellings: &[&Telling],
) -> Result<Vec<Outcome>, Error> {
    if tellings.is_empty() {
        return Ok(Vec::new());
    }
    let held = held(s, vault, tellings).await?;
    // What is logged already was whole then, whatever became of its files.
    let unknown = |telling: &&&Telling| !held.contains_key(&telling.key());
    let named = tellings.iter().filter(unknown);
    let named = named.flat_map(|telling| &telling.media).copied().collect();
    let media = media::ready(s, vault, &named).await?;
    let lacks = |telling: &&Telling| match unknown(&telling) {
        true => media::names_missing(&telling.media, &media),
        false => None,
    };
    let lacking: Vec<Option<MediaId>> = tellings.iter().map(lacks).collect();
    let whole = tellings.iter().zip(&lacking);
    let whole: Vec<&Telling> = whole
        .filter_map(|(telling, lacks)| lacks.is_none().then_some(*telling))
        .collect();
    let mut logged = log(s, vault, rules, &whole, held, &media)
        .await?
        .into_iter();
    let outcomes = lacking.into_iter().map(|lacks| match lacks {
        Some(id) => Some(Outcome::NamesNoMedia(id)),
        None => logged.next(),
    });
    outcomes
        .collect::<Option<_>>()
        .ok_or_else(|| Error::Misconfigured("a contact of a batch was left out".into()))
}

/// Logs contacts whose files are there.
async fn log<'a>(
    s: &Scoped,
    vault: &Vault,
    rules: &Rules,
    tellings: &[&'a Telling],
    held: HashMap<(&'a str, &'a str), Holder>,
    media: &Ready,
) -> Result<Vec<Outcome>, Error> {
    let offered = tellings.iter().map(|telling| {
        (
            telling.key(),
            Holder {
                id: telling.id,
                digest: telling.digest.clone(),
            },
        )
    });
    let verdicts = dedupe::fold(held, offered);
    let chosen = |wanted: fn(&Verdict) -> bool| -> Vec<&Telling> {
        let both = tellings.iter().zip(&verdicts);
        both.filter(|(_, verdict)| wanted(verdict))
            .map(|(telling, _)| *telling)
            .collect()
    };
    let fresh = chosen(|verdict| *verdict == Verdict::Fresh);
    let kept: Vec<(&Telling, InteractionId)> = (tellings.iter().zip(&verdicts))
        .filter_map(|(telling, verdict)| match verdict {
            Verdict::Conflict(first) => Some((*telling, *first)),
            Verdict::Fresh | Verdict::Duplicate(_) => None,
        })
        .collect();

    let sealing = fresh.iter().chain(kept.iter().map(|(telling, _)| telling));
    let keys = vault
        .keys(
            s,
            &sealing
                .map(|telling| telling.subject.clone())
                .collect::<Vec<_>>(),
        )
        .await?;
    let threads = threads::extend(s, &fresh, &keys).await?;
    let mut logged: HashMap<InteractionId, Logged> = HashMap::with_capacity(fresh.len());
    for (telling, (conversation, conversation_position)) in fresh.iter().zip(threads) {
        let intake = rules.decide(&telling.contact);
        logged.insert(
            telling.id,
            Logged {
                conversation,
                conversation_position,
                intake,
            },
        );
    }
    insert(s, &fresh, &logged, &keys).await?;
    let uses: Vec<Use<'_>> = (fresh.iter())
        .map(|telling| Use {
            interaction: telling.id,
            subject: &telling.subject,
            media: &telling.media,
        })
        .collect();
    media::tie(s, media, &keys, &uses).await?;
    split::mask(s, vault, &fresh, &logged).await?;
    for (telling, first) in kept {
        conflicts::keep(s, telling, first, &keys).await?;
    }
    let outcome = |(telling, verdict): (&&Telling, Verdict)| match verdict {
        Verdict::Duplicate(first) => Outcome::Duplicate(first),
        Verdict::Conflict(first) => Outcome::Conflict(first),
        // Every fresh one was just put there.
        Verdict::Fresh => logged
            .remove(&telling.id)
            .map_or(Outcome::Duplicate(telling.id), Outcome::Fresh),
    };
    Ok(tellings.iter().zip(verdicts).map(outcome).collect())
}

/// Which of the keys are taken, and by what.
async fn held<'a>(
    s: &Scoped,
    vault: &Vault,
    tellings: &[&'a Telling],
) -> Result<HashMap<(&'a str, &'a str), Holder>, Error> {
    const KEYS: [(&str, Type); 4] = [
        ("place", Type::Big),
        ("connector", Type::Text),
        ("external_id", Type::Text),
        ("key_blind", Type::Bytes),
    ];
    // Each key once, with the place of a telling that has it.
    let places: BTreeMap<(&str, &str), usize> = tellings
        .iter()
        .enumerate()
        .map(|(place, telling)| (telling.key(), place))
        .collect();
    let rows = places
        .iter()
        .map(|((connector, external_id), place)| -> Vec<Value> {
            vec![
                i64::try_from(*place).unwrap_or(i64::MAX).into(),
                (*connector).into(),
                (*external_id).into(),
                forget::key_blind(vault, s.tenant(), external_id).into(),
            ]
        });
    let its = bulk::each(s.engine(), "interaction i", contact::BY_KEY);
    let gone = bulk::each(
        s.engine(),
        "forgotten_contact f",
        "f.tenant_id = $1 and f.connector = k.connector and f.key_blind = k.key_blind",
    );
    let query = format!(
        "select k.place, i.id, i.content_digest from k {its} \
         union all select k.place, f.interaction_id, substr(f.key_blind, 1, 0) from k {gone}"
    );
    let mut held = HashMap::new();
    for row in bulk::select(s, &KEYS, rows.collect(), &query).await? {
        let place: i64 = row.try_get("", "place")?;
        let id = InteractionId::from_uuid(row.try_get::<Uuid>("", "id")?);
        let digest = row.try_get("", "content_digest")?;
        if let Some(telling) = usize::try_from(place)
            .ok()
            .and_then(|place| tellings.get(place))
        {
            held.insert(telling.key(), Holder { id, digest });
        }
    }
    // Whatever an echo says, it is of what was queued here.
    let echoes = outbound::echoes(s, tellings).await?;
    for telling in tellings {
        if let Some(id) = echoes.get(&telling.key()) {
            held.entry(telling.key()).or_insert_with(|| Holder {
                id: *id,
                digest: telling.digest.clone(),
            });
        }
    }
    Ok(held)
}

async fn insert(
    s: &Scoped,
    fresh: &[&Telling],
    logged: &HashMap<InteractionId, Logged>,
    keys: &SubjectKeys,
) -> Result<(), Error> {
    let mut columns = vec![
        ("id", Type::Uuid),
        ("conversation_id", Type::Uuid),
        ("conversation_position", Type::Big),
        ("asks_for_agent", Type::Bool),
    ];
    columns.extend(contact::COLUMNS);
    let mut rows = Vec::with_capacity(fresh.len());
    for telling in fresh {
        let Some(known) = logged.get(&telling.id) else {
            continue;
        };
        let row = contact::row_of(telling.id.uuid());
        let mut values: Vec<Value> = vec![
            telling.id.uuid().into(),
            known.conversation.uuid().into(),
            known.conversation_position.into(),
            known.intake.asks_for_agent.into(),
        ];
        values.extend(contact::values(
            &telling.contact,
            &telling.beside(&row),
            &keys.require(&telling.subject)?,
        )?);
        rows.push(values);
    }
    let wanted = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let behind = "on conflict (tenant_id, connector, external_id) do nothing";
    let inserted = bulk::insert(s, "interaction", &columns, rows, behind).await?;
    // Another replica took one of the keys since they were looked up: all is done again with what is there now.
    if inserted == wanted {
        Ok(())
    } else {
        Err(s.raced())
    }
}

impl Telling {
    pub(super) fn beside<'a>(&'a self, row: &'a [u8]) -> Beside<'a> {
        Beside {
            row,
            connector: &self.connector,
            received_at: self.received_at,
            subject: &self.subject,
            digest: &self.digest,
            numbers: &self.sealed,
        }
    }
}
