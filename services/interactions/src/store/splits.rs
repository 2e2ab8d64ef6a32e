//! Taking interactions out of a conversation, and putting them back.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rapport_foundation::db::bulk::{self, Type};
use rapport_foundation::db::{Engine, Error, Scoped};
use rapport_foundation::id::{ConversationChangeId, ConversationId, InteractionId};
use rapport_foundation::personal::Personal;
use rapport_foundation::time::Micros;
use sea_orm::Value;
use uuid::Uuid;

use super::changes::{self, Making};
use super::wanted::{WANTED, wanted};
use super::{Store, conversations, interactions, mails, matters};
use crate::domain::{Channel, Conversation, LinkState, MatterChange, Redraw, limits};

/// What a split came to.
#[derive(Debug, Clone)]
pub(crate) enum Splitting {
    /// There is no such interaction.
    NoInteraction(InteractionId),
    /// It is in another conversation.
    Elsewhere(InteractionId),
    /// Nothing would be left.
    Everything,
    /// They are taken out by this change.
    Done(MatterChange),
}

/// Where an interaction was logged and where it is by now.
#[derive(Debug, Clone, Copy)]
struct Whereabouts {
    home: ConversationId,
    now: ConversationId,
}

impl Store {
    /// Takes interactions out of the whole of a conversation into a new one.
    pub(crate) async fn split_conversation(
        &self,
        s: &Scoped,
        conversation: ConversationId,
        wanted: &[InteractionId],
        making: &Making,
    ) -> Result<Splitting, Error> {
        let number = changes::next_number(s).await?;
        let root = matters::root(s, conversation).await?;
        let members = matters::members(s, root).await?;
        let places = whereabouts(s, wanted).await?;
        for id in wanted {
            match places.get(id) {
                None => return Ok(Splitting::NoInteraction(*id)),
                Some(place) if !members.contains(&place.now) => {
                    return Ok(Splitting::Elsewhere(*id));
                }
                Some(_) => {}
            }
        }
        if counted(s, &members).await? <= i64::try_from(places.len()).unwrap_or(i64::MAX) {
            return Ok(Splitting::Everything);
        }
        let change = MatterChange {
            id: ConversationChangeId::new(making.at),
            number,
            kind: Redraw::Split,
            basis: None,
            conversation: root,
            other: ConversationId::new(making.at),
            taken_out: i32::try_from(places.len()).unwrap_or(i32::MAX),
            at: making.at,
            actor: making.actor.clone(),
            reason: making.reason.clone(),
            undone: None,
        };
        begin(s, root, change.other).await?;
        self.keep_change(s, &change).await?;
        note_moves(s, &change, &places).await?;
        let targets = places
            .iter()
            .map(|(id, place)| (*id, (place.home, change.other)));
        self.settle(s, &places, targets.collect()).await?;
        Ok(Splitting::Done(change))
    }

    /// Puts back what a split took out; what else came into the new conversation follows. Answers whether it is part of
    /// the old one now.
    pub(super) async fn put_back(&self, s: &Scoped, change: &MatterChange) -> Result<bool, Error> {
        let ids = changes::taken_out(s, change.id).await?;
        let places = whereabouts(s, &ids).await?;
        let latest = latest_moves(s, &ids, change.id).await?;
        let targets = places.iter().map(|(id, place)| {
            let target = latest.get(id).copied().unwrap_or(place.home);
            (*id, (place.home, target))
        });
        self.settle(s, &places, targets.collect()).await?;
        let whole = matters::root(s, change.conversation).await?;
        let other = matters::root(s, change.other).await?;
        if other != change.other || other == whole {
            // It is part of something else by a later change.
            return Ok(false);
        }
        let together =
            matters::members(s, whole).await?.len() + matters::members(s, other).await?.len();
        if together > limits::CONVERSATIONS_MERGED {
            return Ok(false);
        }
        matters::put_under(s, other, whole).await?;
        Ok(true)
    }

    /// Notes where interactions are from now on, with all that follows from it.
    async fn settle(
        &self,
        s: &Scoped,
        before: &BTreeMap<InteractionId, Whereabouts>,
        targets: BTreeMap<InteractionId, (ConversationId, ConversationId)>,
    ) -> Result<(), Error> {
        let touched: BTreeSet<ConversationId> = (before.values().map(|place| place.now))
            .chain(targets.values().map(|(_, now)| *now))
            .collect();
        lock(s, &touched).await?;
        put(s, &targets).await?;
        for piece in touched {
            recount(s, piece).await?;
            relink(s, piece).await?;
        }
        self.lead_mails(s, &targets).await
    }

    /// Answers to mails go where these are.
    async fn lead_mails(
        &self,
        s: &Scoped,
        targets: &BTreeMap<InteractionId, (ConversationId, ConversationId)>,
    ) -> Result<(), Error> {
        let ids: Vec<InteractionId> = targets.keys().copied().collect();
        let mut clues = BTreeMap::new();
        for one in interactions::load(s, &self.vault, &ids).await? {
            if let Some((_, now)) = targets.get(&one.id) {
                for clue in mails::own_clues(&self.vault, s.tenant(), &one.contact) {
                    clues.insert(clue, *now);
                }
            }
        }
        mails::lead(s, &clues.into_iter().collect::<Vec<_>>()).await
    }
}

async fn whereabouts(
    s: &Scoped,
    ids: &[InteractionId],
) -> Result<BTreeMap<InteractionId, Whereabouts>, Error> {
    let rows: BTreeSet<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let query = "select i.id, i.conversation_id as home, coalesce(p.conversation_id, i.conversation_id) as now_in \
                 from k cross join interaction i left join interaction_piece p \
                 on p.tenant_id = i.tenant_id and p.interaction_id = i.id \
                 where i.tenant_id = $1 and i.id = k.wanted";
    let mut found = BTreeMap::new();
    for row in bulk::select(s, &WANTED, wanted(rows), query).await? {
        let place = Whereabouts {
            home: ConversationId::from_uuid(row.try_get("", "home")?),
            now: ConversationId::from_uuid(row.try_get("", "now_in")?),
        };
        found.insert(InteractionId::from_uuid(row.try_get("", "id")?), place);
    }
    Ok(found)
}

/// How many interactions a whole has.
async fn counted(s: &Scoped, members: &BTreeSet<ConversationId>) -> Result<i64, Error> {
    let rows = wanted(members.iter().map(|id| id.uuid()));
    let query = "select c.interactions from k cross join conversation c where c.tenant_id = $1 and c.id = k.wanted";
    let found = bulk::select(s, &WANTED, rows, query).await?;
    let mut sum = 0_i64;
    for row in found {
        sum = sum.saturating_add(row.try_get("", "interactions")?);
    }
    Ok(sum)
}

/// A conversation that no key leads to, beside another.
async fn begin(s: &Scoped, beside: ConversationId, id: ConversationId) -> Result<(), Error> {
    let empty = Conversation::begin(id, "", &Personal::default());
    let sql = "insert into conversation (tenant_id, id, connector, thread, channels, interactions, first_at, last_at, \
               subject_key, thread_key) select tenant_id, $3, connector, $4, '', 0, $5, $6, subject_key, $7 \
               from conversation where tenant_id = $1 and id = $2";
    let values: [Value; 6] = [
        beside.uuid().into(),
        id.uuid().into(),
        id.uuid().as_bytes().to_vec().into(),
        empty.first_at.0.into(),
        empty.last_at.0.into(),
        Vec::<u8>::new().into(),
    ];
    s.raw_exec(sql, values).await?;
    Ok(())
}

async fn note_moves(
    s: &Scoped,
    change: &MatterChange,
    places: &BTreeMap<InteractionId, Whereabouts>,
) -> Result<(), Error> {
    const COLUMNS: [(&str, Type); 2] = [("change_id", Type::Uuid), ("interaction_id", Type::Uuid)];
    let row =
        |id: &InteractionId| -> Vec<Value> { vec![change.id.uuid().into(), id.uuid().into()] };
    let rows = places.keys().map(row).collect();
    bulk::insert(s, "conversation_move", &COLUMNS, rows, "").await?;
    Ok(())
}

/// Where the latest split that stands took each of these, beside one that no longer counts.
async fn latest_moves(
    s: &Scoped,
    ids: &[InteractionId],
    but: ConversationChangeId,
) -> Result<HashMap<InteractionId, ConversationId>, Error> {
    let rows = wanted(ids.iter().map(|id| id.uuid()));
    let query = "select v.interaction_id, c.id, c.other_id, c.number from k cross join conversation_move v \
                 cross join conversation_change c where v.tenant_id = $1 and v.interaction_id = k.wanted \
                 and c.tenant_id = $1 and c.id = v.change_id and c.undone_at = 0";
    let mut latest: HashMap<InteractionId, (i64, ConversationId)> = HashMap::new();
    for row in bulk::select(s, &WANTED, rows, query).await? {
        if row.try_get::<Uuid>("", "id")? == but.uuid() {
            continue;
        }
        let id = InteractionId::from_uuid(row.try_get("", "interaction_id")?);
        let number: i64 = row.try_get("", "number")?;
        let target = ConversationId::from_uuid(row.try_get("", "other_id")?);
        let known = latest.entry(id).or_insert((number, target));
        if known.0 < number {
            *known = (number, target);
        }
    }
    Ok(latest
        .into_iter()
        .map(|(id, (_, target))| (id, target))
        .collect())
}

/// Nobody adds to these conversations until the transaction ends; in the order in which recording locks them.
async fn lock(s: &Scoped, ids: &BTreeSet<ConversationId>) -> Result<(), Error> {
    if s.engine() == Engine::Postgres {
        let rows = wanted(ids.iter().map(|id| id.uuid()));
        let query = "select c.id from k cross join conversation c where c.tenant_id = $1 and c.id = k.wanted \
                     order by c.connector, c.thread for update of c";
        bulk::select(s, &WANTED, rows, query).await?;
    }
    Ok(())
}

async fn put(
    s: &Scoped,
    targets: &BTreeMap<InteractionId, (ConversationId, ConversationId)>,
) -> Result<(), Error> {
    const COLUMNS: [(&str, Type); 3] = [
        ("interaction_id", Type::Uuid),
        ("conversation_id", Type::Uuid),
        ("home_id", Type::Uuid),
    ];
    let all = wanted(targets.keys().map(|id| id.uuid()));
    let statement = "delete from interaction_piece where tenant_id = $1 and interaction_id in (select wanted from k)";
    bulk::change(s, &WANTED, all, statement).await?;
    let away = targets.iter().filter(|(_, (home, now))| home != now);
    let row =
        |(id, (home, now)): (&InteractionId, &(ConversationId, ConversationId))| -> Vec<Value> {
            vec![id.uuid().into(), now.uuid().into(), home.uuid().into()]
        };
    bulk::insert(
        s,
        "interaction_piece",
        &COLUMNS,
        away.map(row).collect(),
        "",
    )
    .await?;
    Ok(())
}

/// What is in a piece, as rows `i`: logged there and still there, or taken there.
fn inside(select: &str, join: &str, and: &str) -> String {
    format!(
        "{select} from interaction i left join interaction_piece p on p.tenant_id = i.tenant_id \
         and p.interaction_id = i.id {join} where i.tenant_id = $1 and i.conversation_id = $2 \
         and p.interaction_id is null {and} union all \
         {select} from interaction_piece p cross join interaction i {join} \
         where p.tenant_id = $1 and p.conversation_id = $2 and i.tenant_id = $1 and i.id = p.interaction_id {and}"
    )
}

async fn recount(s: &Scoped, id: ConversationId) -> Result<(), Error> {
    let rows = inside("select i.channel, i.event_at", "", "");
    let sql = format!(
        "select channel, count(*) as n, min(event_at) as first_at, max(event_at) as last_at \
         from ({rows}) x group by channel"
    );
    let mut used = Vec::new();
    let mut whole = Conversation::begin(id, "", &Personal::default());
    for row in s.raw_all(&sql, [id.uuid().into()]).await? {
        let first = Micros(row.try_get("", "first_at")?);
        whole.interactions += row.try_get::<i64>("", "n")?;
        whole.first_at = whole.first_at.min(first);
        whole.last_at = whole.last_at.max(Micros(row.try_get("", "last_at")?));
        used.extend(
            Channel::from_code(row.try_get("", "channel")?).map(|channel| (first, channel)),
        );
    }
    used.sort_unstable();
    let channels: Vec<Channel> = used.into_iter().map(|(_, channel)| channel).collect();
    let sql = "update conversation set channels = $3, interactions = $4, first_at = $5, last_at = $6 \
               where tenant_id = $1 and id = $2";
    let values: [Value; 5] = [
        id.uuid().into(),
        conversations::written(&channels).into(),
        whole.interactions.into(),
        whole.first_at.0.into(),
        whole.last_at.0.into(),
    ];
    s.raw_exec(sql, values).await?;
    Ok(())
}

/// The customer of a piece is the first of those who are still in it.
async fn relink(s: &Scoped, id: ConversationId) -> Result<(), Error> {
    let rows = inside(
        "select l.record_id, l.event_at, l.interaction_id",
        "cross join interaction_link l",
        "and l.tenant_id = i.tenant_id and l.interaction_id = i.id and l.state = $3",
    );
    let sql = format!("select record_id from ({rows}) x order by event_at, interaction_id limit 1");
    let values: [Value; 2] = [id.uuid().into(), LinkState::Linked.code().into()];
    let row = s.raw_one(&sql, values).await?;
    let sql = "delete from conversation_link where tenant_id = $1 and conversation_id = $2";
    s.raw_exec(sql, [id.uuid().into()]).await?;
    if let Some(row) = row {
        let record: Uuid = row.try_get("", "record_id")?;
        let sql = "insert into conversation_link (tenant_id, conversation_id, record_id) values ($1, $2, $3)";
        s.raw_exec(sql, [id.uuid().into(), record.into()]).await?;
    }
    Ok(())
}
