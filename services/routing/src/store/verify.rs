//! What must hold in the tables, whoever wrote them and whatever was killed meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use rapport_foundation::db::{Database, Error, System};
use rapport_foundation::id::{
    AgentId, ContactCommandId, OfferId, QueueId, RoutingPolicyId, TenantId, TicketId, WorkItemId,
};
use rapport_foundation::verify::Breach;
use sea_orm::QueryResult;
use sea_orm::entity::prelude::Json;
use uuid::Uuid;

/// What the checkers call the promises about work items and agents.
const INVARIANT: u8 = 5;

fn breach(promise: &str, tenant: Uuid, subject: &str) -> Breach {
    Breach {
        invariant: INVARIANT,
        tenant: TenantId::from_uuid(tenant),
        what: format!("{promise}: {subject}"),
    }
}

/// A promise, what its query answers for each breach, and the query. Each row is (tenant, id).
type Rule = (&'static str, fn(Uuid) -> String, &'static str);

fn item(id: Uuid) -> String {
    WorkItemId::from_uuid(id).to_string()
}
fn agent(id: Uuid) -> String {
    AgentId::from_uuid(id).to_string()
}
fn ticket(id: Uuid) -> String {
    TicketId::from_uuid(id).to_string()
}
fn routing_policy(id: Uuid) -> String {
    RoutingPolicyId::from_uuid(id).to_string()
}
fn queue(id: Uuid) -> String {
    QueueId::from_uuid(id).to_string()
}
fn command(id: Uuid) -> String {
    ContactCommandId::from_uuid(id).to_string()
}
fn offer(id: Uuid) -> String {
    OfferId::from_uuid(id).to_string()
}

const RULES: &[Rule] = &[
    (
        "no-more-live-offers-than-the-queue-makes-at-once",
        item,
        "select o.tenant_id as tenant_id, o.work_item_id as id from offers o \
         join work_items w on w.tenant_id = o.tenant_id and w.id = o.work_item_id \
         left join queues q on q.tenant_id = w.tenant_id and q.id = w.queue_id \
         where o.outcome = 'pending' group by o.tenant_id, o.work_item_id, q.broadcast \
         having count(*) > 1 and count(*) > coalesce(q.broadcast, 0)",
    ),
    (
        "no-agent-is-offered-twice-at-once",
        item,
        "select tenant_id, work_item_id as id from offers where outcome = 'pending' \
         group by tenant_id, work_item_id, agent_id having count(*) > 1",
    ),
    (
        "offers-overlap-only-where-a-queue-broadcasts",
        offer,
        "select b.tenant_id as tenant_id, b.id as id from offers a join offers b \
         on a.tenant_id = b.tenant_id and a.work_item_id = b.work_item_id and a.id <> b.id \
         where a.made_at < b.made_at and (a.ended_at is null or a.ended_at > b.made_at) \
         and not b.broadcast",
    ),
    (
        "live-offer-is-its-work-items",
        offer,
        "select o.tenant_id as tenant_id, o.id as id from offers o left join work_items w \
         on w.tenant_id = o.tenant_id and w.id = o.work_item_id and w.state = 'offered' \
         and ((w.offer_id = o.id and w.agent_id = o.agent_id) \
         or (o.broadcast and w.other_offers is not null)) \
         where o.outcome = 'pending' and w.id is null",
    ),
    (
        "offered-work-has-its-offer",
        item,
        "select w.tenant_id as tenant_id, w.id as id from work_items w left join offers o \
         on o.tenant_id = w.tenant_id and o.id = w.offer_id and o.outcome = 'pending' \
         where w.state = 'offered' and o.id is null",
    ),
    (
        "open-work-is-somewhere",
        item,
        "select w.tenant_id as tenant_id, w.id as id from work_items w left join agents a \
         on a.tenant_id = w.tenant_id and a.id = w.agent_id where \
         (w.state in ('offered', 'accepted', 'wrapping_up') and a.id is null) \
         or (w.state = 'wrapping_up' and w.wrap_up_until is null) \
         or w.state not in ('waiting', 'offered', 'accepted', 'wrapping_up', 'completed', 'transferred', 'abandoned', \
         'withdrawn')",
    ),
    (
        "what-was-handed-on-goes-on",
        item,
        "select w.tenant_id as tenant_id, w.id as id from work_items w left join work_items n \
         on n.tenant_id = w.tenant_id and n.id = w.next_id \
         where (w.next_id is not null and (n.previous_id is null or n.previous_id <> w.id \
         or n.hops <> w.hops + 1 or w.state not in ('wrapping_up', 'transferred'))) \
         or (w.state = 'transferred' and w.next_id is null)",
    ),
    (
        "one-goes-on-with-a-contact",
        item,
        "select tenant_id, previous_id as id from work_items where previous_id is not null \
         group by tenant_id, previous_id having count(*) > 1",
    ),
    (
        "what-is-kept-or-held-is-somewhere",
        item,
        "select tenant_id, id from work_items where (kept_for_id is not null \
         and (kept_until is null or state not in ('waiting', 'offered'))) \
         or (held_since is not null and state <> 'accepted') \
         or (callback_paused_until is not null and state not in ('waiting', 'offered'))",
    ),
    (
        "who-is-asked-is-asked-by-somebody",
        item,
        "select w.tenant_id as tenant_id, w.id as id from work_items w left join work_items c \
         on c.tenant_id = w.tenant_id and c.id = w.consult_id where (w.consult_id is not null \
         and (w.state <> 'accepted' or c.consult_of_id is null or c.consult_of_id <> w.id \
         or c.state not in ('waiting', 'offered', 'accepted') \
         or (w.conference and c.state <> 'accepted'))) or (w.conference and w.consult_id is null)",
    ),
    (
        "nobody-is-asked-by-nobody",
        item,
        "select c.tenant_id as tenant_id, c.id as id from work_items c left join work_items w \
         on w.tenant_id = c.tenant_id and w.id = c.consult_of_id and w.consult_id = c.id \
         where c.consult_of_id is not null and w.id is null and (c.state in ('waiting', 'offered') \
         or (c.state = 'accepted' and not c.settled))",
    ),
    (
        "commands-are-of-their-work-and-end",
        command,
        "select c.tenant_id as tenant_id, c.id as id from contact_commands c left join work_items w \
         on w.tenant_id = c.tenant_id and w.id = c.work_item_id and w.commanded \
         and (w.interaction_id = c.interaction_id or w.consult_of_id is not null) \
         and w.connector = c.connector \
         where w.id is null or (c.ended_at is null) <> (c.state in ('waiting', 'handed', 'accepted')) \
         or (c.stream is not null and c.state not in ('handed', 'accepted'))",
    ),
    (
        "one-command-of-a-contact-at-a-time",
        command,
        "select b.tenant_id as tenant_id, b.id as id from contact_commands b join contact_commands a \
         on a.tenant_id = b.tenant_id and a.interaction_id = b.interaction_id and a.id < b.id \
         and a.state in ('waiting', 'handed', 'accepted') where b.state in ('handed', 'accepted')",
    ),
    (
        "work-has-its-ticket-and-queue",
        item,
        "select w.tenant_id as tenant_id, w.id as id from work_items w \
         left join tickets t on t.tenant_id = w.tenant_id and t.id = w.ticket_id \
         left join queues q on q.tenant_id = w.tenant_id and q.id = w.queue_id \
         where t.id is null or q.id is null",
    ),
    (
        "solved-tickets-ask-for-nobody",
        ticket,
        "with recursive solved (tenant_id, id, part) as (select tenant_id, id, id from tickets \
         where merged_into_id is null and state in ('resolved', 'closed', 'cancelled') \
         union all select t.tenant_id, s.id, t.id from solved s join tickets t \
         on t.tenant_id = s.tenant_id and t.merged_into_id = s.part) \
         select distinct s.tenant_id as tenant_id, s.id as id from solved s join work_items w \
         on w.tenant_id = s.tenant_id and w.ticket_id = s.part where w.state in ('waiting', 'offered') \
         or (w.state = 'accepted' and not w.settled)",
    ),
    (
        "every-move-is-told",
        ticket,
        "select t.tenant_id as tenant_id, t.id as id from tickets t where t.reassignment_count <> \
         (select count(*) from ticket_changes c where c.tenant_id = t.tenant_id \
         and c.ticket_id = t.id and c.field = 'queue_id')",
    ),
    (
        "every-merge-is-told-and-counted",
        ticket,
        "select t.tenant_id as tenant_id, t.id as id from tickets t where t.merged_count <> \
         (select count(*) from tickets p where p.tenant_id = t.tenant_id and p.merged_into_id = t.id) \
         or t.merged_count <> (select coalesce(sum(case when c.old_value = '' then 1 else -1 end), 0) \
         from ticket_changes c where c.tenant_id = t.tenant_id and c.ticket_id = t.id \
         and c.field = 'merged_ticket_id') or (t.merged_into_id is not null and not exists \
         (select 1 from tickets w where w.tenant_id = t.tenant_id and w.id = t.merged_into_id))",
    ),
    (
        "one-routing-policy-holds",
        routing_policy,
        "select p.tenant_id as tenant_id, p.id as id from routing_policies p join routing_policies q \
         on q.tenant_id = p.tenant_id and q.id <> p.id and q.state = 'published' \
         where p.state = 'published'",
    ),
    (
        "agents-work-no-longer-than-they-are-there",
        agent,
        "select tenant_id, agent_id as id from agent_standings \
         where busy_time < 0 or busy_time > staffed_time",
    ),
    (
        "paces-are-of-agents-and-queues",
        agent,
        "select distinct p.tenant_id as tenant_id, p.agent_id as id from agent_paces p \
         left join agents a on a.tenant_id = p.tenant_id and a.id = p.agent_id \
         left join queues q on q.tenant_id = p.tenant_id and q.id = p.queue_id \
         where a.id is null or q.id is null or p.handle_time < 0",
    ),
    (
        "turns-are-of-queues-and-agents",
        queue,
        "select t.tenant_id as tenant_id, t.queue_id as id from queue_turns t \
         left join queues q on q.tenant_id = t.tenant_id and q.id = t.queue_id \
         left join agents a on a.tenant_id = t.tenant_id and a.id = t.last_agent_id \
         where q.id is null or t.taken < 0 or (t.last_agent_id is not null and a.id is null)",
    ),
    (
        "shifts-are-of-calendars",
        agent,
        "select a.tenant_id as tenant_id, a.id as id from agents a \
         join agent_standings s on s.tenant_id = a.tenant_id and s.agent_id = a.id \
         left join calendars c on c.tenant_id = a.tenant_id and c.id = a.shift_calendar_id \
         where (a.shift_calendar_id is not null and c.id is null) \
         or (a.shift_calendar_id is null) <> (s.on_shift is null) \
         or (s.on_shift is null) <> (s.shift_until is null) or (s.on_shift and s.works_over)",
    ),
    (
        "what-is-handed-over-belongs-to-work",
        item,
        "select h.tenant_id as tenant_id, h.work_item_id as id from hand_overs h left join work_items w \
         on w.tenant_id = h.tenant_id and w.id = h.work_item_id and w.handed_over where w.id is null",
    ),
    (
        "one-spell-runs",
        agent,
        "select tenant_id, agent_id as id from agent_spells where ended_at is null \
         group by tenant_id, agent_id having count(*) > 1",
    ),
    (
        "clocks-run-for-open-tickets-only",
        ticket,
        "select s.tenant_id as tenant_id, s.ticket_id as id from ticket_slas s join tickets t \
         on t.tenant_id = s.tenant_id and t.id = s.ticket_id \
         where s.is_open <> (t.state in ('new', 'open', 'pending') and t.merged_into_id is null) \
         or (s.next_at is not null and not s.is_open)",
    ),
];

/// Looks at every tenant's rows and answers what breaks a promise: no two live offers of a work
/// item, no agent above capacity, no open work item forgotten, no solved ticket that still asks
/// for somebody or is due, no ticket moved without a row that tells it.
///
/// # Errors
/// When the store cannot be read.
pub async fn verify(db: &Database) -> Result<Vec<Breach>, Error> {
    let look = |s: System| async move {
        let mut breaches = Vec::new();
        for (promise, name, sql) in RULES {
            for row in s.raw_all(sql, []).await? {
                let id: Uuid = row.try_get("", "id")?;
                breaches.push(breach(promise, row.try_get("", "tenant_id")?, &name(id)));
            }
        }
        breaches.extend(over_capacity(&s).await?);
        breaches.extend(other_offers(&s).await?);
        Ok(breaches)
    };
    db.system_read(look).await
}

/// Agents with more in hand on a channel than they may have. What they accepted before their
/// limit sank does not count against them, nor what somebody gave them by hand all the same.
async fn over_capacity(s: &System) -> Result<Vec<Breach>, Error> {
    let sql = "with held (tenant_id, agent_id, channel, over_capacity, taken_at) as (\
               select tenant_id, agent_id, channel, over_capacity, coalesce(accepted_at, offered_at) \
               from work_items where state in ('offered', 'accepted', 'wrapping_up') \
               and parked_since is null union all \
               select o.tenant_id, o.agent_id, w.channel, w.over_capacity, o.made_at from offers o \
               join work_items w on w.tenant_id = o.tenant_id and w.id = o.work_item_id \
               where o.outcome = 'pending' and w.offer_id <> o.id) \
               select w.tenant_id as tenant_id, w.agent_id as id, w.channel as channel, \
               count(*) - count(case when w.over_capacity then 1 end) as held, \
               a.usual_capacity as usual, a.capacities as capacities \
               from held w join agents a on a.tenant_id = w.tenant_id and a.id = w.agent_id \
               group by w.tenant_id, w.agent_id, w.channel, a.usual_capacity, a.capacities, a.capacity_since \
               having max(case when w.over_capacity then null else w.taken_at end) > a.capacity_since";
    let mut breaches = Vec::new();
    for row in s.raw_all(sql, []).await? {
        let (held, limit) = (row.try_get::<i64>("", "held")?, limit(&row)?);
        if held > limit {
            let agent = AgentId::from_uuid(row.try_get("", "id")?);
            let subject = format!("{agent} holds {held} of {limit}");
            breaches.push(breach("capacity", row.try_get("", "tenant_id")?, &subject));
        }
    }
    Ok(breaches)
}

/// Work whose offers besides the first are others than those that are out.
async fn other_offers(s: &System) -> Result<Vec<Breach>, Error> {
    let sql = "select w.tenant_id as tenant_id, w.id as id, w.other_offers as others, o.id as offer \
               from work_items w left join offers o on o.tenant_id = w.tenant_id \
               and o.work_item_id = w.id and o.outcome = 'pending' and o.id <> w.offer_id \
               where w.other_offers is not null or (o.broadcast and w.state = 'offered')";
    let mut told: BTreeMap<(Uuid, Uuid), [BTreeSet<OfferId>; 2]> = BTreeMap::new();
    for row in s.raw_all(sql, []).await? {
        let id: Uuid = row.try_get("", "id")?;
        let others: Option<Json> = row.try_get("", "others")?;
        let others = super::columns::offers_in(WorkItemId::from_uuid(id), others.as_ref())?;
        let out: Option<Uuid> = row.try_get("", "offer")?;
        let [listed, pending] = told.entry((row.try_get("", "tenant_id")?, id)).or_default();
        listed.extend(others.into_iter().map(|offer| offer.id));
        pending.extend(out.map(OfferId::from_uuid));
    }
    let apart = told
        .into_iter()
        .filter(|(_, [listed, pending])| listed != pending);
    let told = |((tenant, id), _)| breach("other-offers-are-those-that-are-out", tenant, &item(id));
    Ok(apart.map(told).collect())
}

fn limit(row: &QueryResult) -> Result<i64, Error> {
    let channel: String = row.try_get("", "channel")?;
    let named = super::columns::capacities_in(&row.try_get("", "capacities")?)?;
    let found = named.iter().find(|known| known.channel.as_str() == channel);
    match found {
        Some(found) => Ok(found.concurrent.into()),
        None => Ok(row.try_get("", "usual")?),
    }
}
