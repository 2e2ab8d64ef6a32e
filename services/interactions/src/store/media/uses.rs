//! That contacts name files. A file's key is sealed with the key of each contact's subject from then on, so that
//! erasing them reaches the file; its row counts them, so that what is named is not removed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rapport_foundation::db::bulk::{self, Type};
use rapport_foundation::db::{Engine, Error, Scoped};
use rapport_foundation::id::{InteractionId, MediaId};
use rapport_foundation::seal::{ContentKey, SubjectKeys, Vault};
use sea_orm::Value;
use uuid::Uuid;

use super::{key_row, unsealed};

const MEDIA: [(&str, Type); 1] = [("media_id", Type::Uuid)];

/// A contact that names files.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Use<'a> {
    pub(in crate::store) interaction: InteractionId,
    /// Whose key seals the contact.
    pub(in crate::store) subject: &'a str,
    pub(in crate::store) media: &'a BTreeSet<MediaId>,
}

/// The files that can be named, and their keys.
pub(in crate::store) type Ready = HashMap<MediaId, ContentKey>;

/// The first that is named and not ready.
pub(in crate::store) fn names_missing(named: &BTreeSet<MediaId>, ready: &Ready) -> Option<MediaId> {
    named.iter().find(|id| !ready.contains_key(id)).copied()
}

fn rows(ids: &BTreeSet<MediaId>) -> Vec<Vec<Value>> {
    ids.iter().map(|id| vec![id.uuid().into()]).collect()
}

/// Which of these files are finished and can be opened. They stay so until the transaction ends. Asks nothing when
/// nothing is named.
pub(in crate::store) async fn ready(
    s: &Scoped,
    vault: &Vault,
    named: &BTreeSet<MediaId>,
) -> Result<Ready, Error> {
    let mut ready = Ready::new();
    if named.is_empty() {
        return Ok(ready);
    }
    // In one order: two transactions that hold files of each other wait, and do not stop each other.
    let hold = match s.engine() {
        Engine::Postgres => "for update of m",
        _ => "",
    };
    let query = format!(
        "select m.id from k join media m on m.tenant_id = $1 and m.id = k.media_id where m.stage = 2 order by m.id {hold}"
    );
    let mut held = BTreeSet::new();
    for row in bulk::select(s, &MEDIA, rows(named), &query).await? {
        held.insert(MediaId::from_uuid(row.try_get("", "id")?));
    }
    let query = "select h.media_id, h.holder, h.subject_key, h.sealed from k \
                 join media_key h on h.tenant_id = $1 and h.media_id = k.media_id";
    let holders = bulk::select(s, &MEDIA, rows(&held), query).await?;
    let subjects = holders
        .iter()
        .map(|row| Ok(row.try_get("", "subject_key")?));
    let subjects: Vec<String> = subjects.collect::<Result<_, Error>>()?;
    let keys = vault.existing(s, &subjects).await?;
    for row in &holders {
        let media: Uuid = row.try_get("", "media_id")?;
        let id = MediaId::from_uuid(media);
        if !ready.contains_key(&id)
            && let Some(key) = unsealed(row, media, &keys)?
        {
            ready.insert(id, key);
        }
    }
    Ok(ready)
}

/// Notes which contacts name which of these files. A file that is not among them is passed over.
pub(in crate::store) async fn tie(
    s: &Scoped,
    ready: &Ready,
    keys: &SubjectKeys,
    uses: &[Use<'_>],
) -> Result<(), Error> {
    const COLUMNS: [(&str, Type); 5] = [
        MEDIA[0],
        ("holder", Type::Uuid),
        ("subject_key", Type::Text),
        ("generation", Type::Big),
        ("sealed", Type::Bytes),
    ];
    let mut fresh: BTreeMap<(MediaId, InteractionId), Vec<Value>> = BTreeMap::new();
    for one in uses {
        let holder = one.interaction.uuid();
        for id in one.media {
            let Some(key) = ready.get(id) else { continue };
            let row = key_row(id.uuid(), holder);
            let subject = keys.require(one.subject)?;
            let values = vec![
                id.uuid().into(),
                holder.into(),
                one.subject.into(),
                subject.generation().into(),
                key.sealed(&subject, &row).into(),
            ];
            fresh.insert((*id, one.interaction), values);
        }
    }
    if fresh.is_empty() {
        return Ok(());
    }
    let named: BTreeSet<MediaId> = fresh.keys().map(|(id, _)| *id).collect();
    let again = "on conflict (tenant_id, media_id, holder) do nothing";
    bulk::insert(
        s,
        "media_key",
        &COLUMNS,
        fresh.into_values().collect(),
        again,
    )
    .await?;
    // From now on it belongs to whoever it is about, and to nobody else.
    let nobody = format!(
        "delete from media_key where tenant_id = $1 and holder = {} and media_id in (select media_id from k)",
        nil(s)
    );
    bulk::change(s, &MEDIA, rows(&named), &nobody).await?;
    let count = "update media set uses = (select count(*) from media_key h \
                 where h.tenant_id = media.tenant_id and h.media_id = media.id) \
                 where tenant_id = $1 and id in (select media_id from k)";
    bulk::change(s, &MEDIA, rows(&named), count).await?;
    Ok(())
}

/// The holder that is nobody, as the engine writes it.
pub(super) fn nil(s: &Scoped) -> &'static str {
    match s.engine() {
        Engine::Postgres => "'00000000-0000-0000-0000-000000000000'::uuid",
        _ => "x'00000000000000000000000000000000'",
    }
}
