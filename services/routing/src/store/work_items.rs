use std::collections::BTreeMap;

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{
    AgentId, InteractionId, OfferId, QueueId, TenantId, TicketId, TicketNoteId, WorkItemId,
};
use rapport_foundation::time::Micros;
use sea_orm::{ColumnTrait as _, Condition, Iterable as _, Value};
use uuid::Uuid;

use super::columns::{
    count, customer, declines_in, declines_out, json_in, json_out, named, offers_in, offers_out,
    optional_code, skills_in, skills_out, span_in, span_out,
};
use super::entities::work_item::{ActiveModel, Column, Entity, Model};
use super::passages::passage;
use super::{Page, Store, merges};
use crate::domain::{
    Answered, Channel, Figures, Offer, Parked, Priority, Promise, WorkItem, WorkState,
};

/// Names of the states in which something is still to be done.
pub(super) const OPEN: [&str; 4] = ["waiting", "offered", "accepted", "wrapping_up"];

/// Rows in one statement: 60 columns each, far below the engines' limit of values.
const CHUNK: usize = 400;

/// Which work items to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct WorkItemFilter {
    pub(crate) state: Option<&'static str>,
    pub(crate) ticket: Option<TicketId>,
    pub(crate) queue: Option<QueueId>,
    pub(crate) agent: Option<AgentId>,
}

/// The stable name of a state, as stored.
pub(crate) fn state_name(work: &WorkItem) -> &'static str {
    match &work.state {
        WorkState::Completed { .. } if work.next().is_some() => "transferred",
        WorkState::Waiting => "waiting",
        WorkState::Offered(_) => "offered",
        WorkState::Accepted { .. } => "accepted",
        WorkState::WrappingUp { .. } => "wrapping_up",
        WorkState::Completed { .. } => "completed",
        WorkState::Abandoned { .. } => "abandoned",
        WorkState::Withdrawn { .. } => "withdrawn",
    }
}

impl Store {
    /// One work item.
    pub(crate) async fn work_item(
        &self,
        tenant: TenantId,
        id: WorkItemId,
    ) -> Result<Option<WorkItem>, Error> {
        let find = |s: Scoped| async move {
            let row = s
                .find::<Entity>()
                .filter(Column::Id.eq(id.uuid()))
                .one()
                .await?;
            row.map(read).transpose()
        };
        self.db.read(tenant, find).await
    }

    /// Work items that fit every given condition, newest first, behind `after`.
    pub(crate) async fn work_items(
        &self,
        tenant: TenantId,
        filter: &WorkItemFilter,
        after: Option<Uuid>,
        size: u64,
    ) -> Result<Page<WorkItem>, Error> {
        let condition = Condition::all()
            .add_option(filter.state.map(|state| Column::State.eq(state)))
            .add_option(filter.queue.map(|id| Column::QueueId.eq(id.uuid())))
            .add_option(filter.agent.map(|id| Column::AgentId.eq(id.uuid())))
            .add_option(after.map(|id| Column::Id.lt(id)));
        let find = |s: Scoped| {
            let mut condition = condition.clone();
            async move {
                if let Some(ticket) = filter.ticket {
                    let family = merges::family(&s, ticket).await?;
                    let family = family.into_iter().map(TicketId::uuid);
                    condition = condition.add(Column::TicketId.is_in(family));
                }
                let rows = s
                    .find::<Entity>()
                    .filter(condition)
                    .order_by_desc(Column::Id);
                rows.limit(size + 1).all().await
            }
        };
        let rows: Vec<Model> = self.db.read(tenant, find).await?;
        let items = rows
            .into_iter()
            .map(read)
            .collect::<Result<Vec<_>, Error>>()?;
        Ok(Page::of(items, size, |work| work.id.uuid()))
    }

    /// What an agent has in hand: offered, accepted, in wrap-up.
    pub(crate) async fn held_by(
        &self,
        tenant: TenantId,
        agent: AgentId,
    ) -> Result<Vec<WorkItem>, Error> {
        let find = |s: Scoped| async move { in_hands(&s, &[agent]).await };
        self.db.read(tenant, find).await
    }
}

/// Everything these agents have in hand.
pub(super) async fn in_hands(s: &Scoped, agents: &[AgentId]) -> Result<Vec<WorkItem>, Error> {
    let mut held = Vec::new();
    for chunk in agents.chunks(CHUNK) {
        let theirs = s.among(Column::AgentId, chunk.iter().map(|id| id.uuid()));
        let rows = s.find::<Entity>().filter(theirs);
        for row in rows.filter(Column::State.is_in(OPEN)).all().await? {
            held.push(read(row)?);
        }
    }
    held.extend(offered_besides(s, agents).await?);
    held.sort_unstable_by_key(|work| work.id);
    held.dedup_by_key(|work| work.id);
    Ok(held)
}

/// Work that is offered to one of these agents besides somebody else who comes first.
pub(super) async fn offered_besides(
    s: &Scoped,
    agents: &[AgentId],
) -> Result<Vec<WorkItem>, Error> {
    // By an index of these alone: they are few, or none.
    let several = s.find::<Entity>().filter(Column::OtherOffers.is_not_null());
    let rows = several.all().await?;
    let mut found = rows
        .into_iter()
        .map(read)
        .collect::<Result<Vec<_>, Error>>()?;
    let theirs = |work: &WorkItem| {
        let mut offers = work.other_offers.iter();
        offers.any(|offer| agents.contains(&offer.agent))
    };
    found.retain(theirs);
    Ok(found)
}

/// Every open work item of the tenant.
pub(super) async fn open(s: &Scoped) -> Result<Vec<WorkItem>, Error> {
    let rows = s
        .find::<Entity>()
        .filter(Column::State.is_in(OPEN))
        .all()
        .await?;
    rows.into_iter().map(read).collect()
}

/// Work items that ended at or after a moment, in the order of their ids, behind `after`.
pub(super) async fn ended_since(
    s: &Scoped,
    since: Micros,
    after: Option<Uuid>,
    size: u64,
) -> Result<Vec<WorkItem>, Error> {
    let condition = Condition::all()
        .add(Column::EndedAt.gte(since))
        .add_option(after.map(|id| Column::Id.gt(id)));
    let rows = s.find::<Entity>().filter(condition);
    let rows = rows.order_by_asc(Column::Id).limit(size).all().await?;
    rows.into_iter().map(read).collect()
}

/// The tickets of these work items.
pub(super) async fn tickets_of(s: &Scoped, items: &[WorkItemId]) -> Result<Vec<TicketId>, Error> {
    let mut tickets = Vec::with_capacity(items.len());
    for chunk in items.chunks(CHUNK) {
        let places: Vec<String> = (2..chunk.len() + 2).map(|n| format!("${n}")).collect();
        let sql = format!(
            "select ticket_id from work_items where tenant_id = $1 and id in ({})",
            places.join(", ")
        );
        let ids: Vec<_> = chunk.iter().map(|id| id.uuid().into()).collect();
        for row in s.raw_all(&sql, ids).await? {
            tickets.push(TicketId::from_uuid(row.try_get("", "ticket_id")?));
        }
    }
    Ok(tickets)
}

/// Which work items the interactions asked for, and their tickets: of those that a contact went through the last comes
/// last.
pub(super) async fn of_interactions(
    s: &Scoped,
    ids: &[InteractionId],
) -> Result<Vec<(InteractionId, (WorkItemId, TicketId))>, Error> {
    let mut found = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let ids = chunk.iter().map(|id| id.uuid());
        let rows = s
            .find::<Entity>()
            .filter(s.among(Column::InteractionId, ids))
            .order_by_asc(Column::Id)
            .all()
            .await?;
        found.extend(rows.into_iter().filter_map(|row| {
            let found = (
                WorkItemId::from_uuid(row.id),
                TicketId::from_uuid(row.ticket_id),
            );
            Some((InteractionId::from_uuid(row.interaction_id?), found))
        }));
    }
    Ok(found)
}

/// These work items, and those that these interactions asked for, in any state.
pub(super) async fn taken(
    s: &Scoped,
    (items, interactions): &(Vec<WorkItemId>, Vec<InteractionId>),
) -> Result<Vec<WorkItem>, Error> {
    let mut found = BTreeMap::new();
    for chunk in items.chunks(CHUNK) {
        let theirs = s.among(Column::Id, chunk.iter().map(|id| id.uuid()));
        for row in s.find::<Entity>().filter(theirs).all().await? {
            found.insert(row.id, read(row)?);
        }
    }
    for chunk in interactions.chunks(CHUNK) {
        let theirs = s.among(Column::InteractionId, chunk.iter().map(|id| id.uuid()));
        for row in s.find::<Entity>().filter(theirs).all().await? {
            found.insert(row.id, read(row)?);
        }
    }
    Ok(found.into_values().collect())
}

/// Says to which ticket work belongs now, in whatever state it is.
pub(super) async fn split(s: &Scoped, splits: &[(TicketId, Vec<WorkItemId>)]) -> Result<(), Error> {
    for (ticket, items) in splits {
        for chunk in items.chunks(CHUNK) {
            let places: Vec<String> = (3..chunk.len() + 3).map(|n| format!("${n}")).collect();
            let sql = format!(
                "update work_items set ticket_id = $2 where tenant_id = $1 and id in ({})",
                places.join(", ")
            );
            let ids = chunk.iter().map(|id| id.uuid().into());
            let values: Vec<Value> = std::iter::once(ticket.uuid().into()).chain(ids).collect();
            s.raw_exec(&sql, values).await?;
        }
    }
    Ok(())
}

/// Stores work items as they are now.
pub(super) async fn put(s: &Scoped, items: &[WorkItem]) -> Result<(), Error> {
    for chunk in items.chunks(CHUNK) {
        let rows = chunk.iter().map(|work| write(s.tenant(), work));
        let rows: Result<Vec<Model>, Error> = rows.collect();
        let rows = rows?.into_iter().map(ActiveModel::from).collect();
        let changed = Column::iter().filter(|c| !matches!(c, Column::TenantId | Column::Id));
        s.upsert_many(rows, [Column::TenantId, Column::Id], changed)
            .await?;
    }
    Ok(())
}

/// What the columns of a state hold.
#[derive(Default)]
struct StateColumns {
    agent: Option<AgentId>,
    offer: Option<Offer>,
    accepted_at: Option<Micros>,
    handled_at: Option<Micros>,
    wrap_up_until: Option<Micros>,
    ended_at: Option<Micros>,
    disposition: Option<String>,
}

fn state_columns(state: &WorkState) -> StateColumns {
    let code = |code: &Option<crate::domain::Code>| code.as_ref().map(ToString::to_string);
    let none = StateColumns::default();
    match state {
        WorkState::Waiting => none,
        WorkState::Offered(offer) => StateColumns {
            agent: Some(offer.agent),
            offer: Some(*offer),
            ..none
        },
        WorkState::Accepted { agent, at } => StateColumns {
            agent: Some(*agent),
            accepted_at: Some(*at),
            ..none
        },
        WorkState::WrappingUp {
            agent,
            accepted_at,
            at,
            until,
            disposition,
        } => StateColumns {
            agent: Some(*agent),
            accepted_at: Some(*accepted_at),
            handled_at: Some(*at),
            wrap_up_until: Some(*until),
            disposition: code(disposition),
            ..none
        },
        WorkState::Completed {
            agent,
            accepted_at,
            handled_at,
            at,
            disposition,
        } => StateColumns {
            agent: Some(*agent),
            accepted_at: Some(*accepted_at),
            handled_at: Some(*handled_at),
            ended_at: Some(*at),
            disposition: code(disposition),
            ..none
        },
        WorkState::Abandoned { at } | WorkState::Withdrawn { at } => StateColumns {
            ended_at: Some(*at),
            ..none
        },
    }
}

fn write(tenant: TenantId, work: &WorkItem) -> Result<Model, Error> {
    let state = state_columns(&work.state);
    let figures = &work.figures;
    let passage = work.passage.as_deref().cloned().unwrap_or_default();
    Ok(Model {
        tenant_id: tenant.uuid(),
        id: work.id.uuid(),
        ticket_id: work.ticket.uuid(),
        interaction_id: work.interaction.map(InteractionId::uuid),
        record_id: work.customer.map(|c| c.record.uuid()),
        customer_id: work.customer.map(|c| c.customer.uuid()),
        channel: work.channel.as_str().to_owned(),
        queue_id: work.queue.uuid(),
        skills: skills_out(&work.skills),
        priority: work.priority.as_str().to_owned(),
        queued_at: work.queued_at,
        offers_made: work.offers_made.into(),
        declines: declines_out(&work.declines),
        settled: work.settled,
        state: state_name(work).to_owned(),
        agent_id: state.agent.map(AgentId::uuid),
        offer_id: state.offer.map(|offer| offer.id.uuid()),
        offered_at: state.offer.map(|offer| offer.made_at),
        offer_expires_at: state.offer.map(|offer| offer.expires_at),
        other_offers: offers_out(&work.other_offers),
        accepted_at: state.accepted_at,
        handled_at: state.handled_at,
        wrap_up_until: state.wrap_up_until,
        ended_at: state.ended_at,
        disposition: state.disposition,
        route: work.route.as_deref().map(json_out).transpose()?,
        traceparent: work.traceparent.clone(),
        answered_at: figures.answered.map(|answered| answered.at),
        answered_queue_id: figures.answered.map(|answered| answered.queue.uuid()),
        in_time: figures.answered.is_some_and(|answered| answered.in_time),
        left_early: figures.left_early,
        handled_before: span_out(figures.handled_before),
        over_capacity: figures.over_capacity,
        parked_since: figures.parked.map(|parked| parked.since),
        parked_until: figures.parked.map(|parked| parked.until),
        parked_before: span_out(figures.parked_before),
        handed_over: work.handed_over,
        promised_p50: figures.promise.map(|promise| span_out(promise.p50)),
        promised_p90: figures.promise.map(|promise| span_out(promise.p90)),
        previous_id: passage.before.map(WorkItemId::uuid),
        next_id: passage.next.map(WorkItemId::uuid),
        hops: passage.hops.into(),
        turn_at: passage.turn_at,
        kept_for_id: passage.kept.map(|kept| kept.agent.uuid()),
        kept_until: passage.kept.map(|kept| kept.until),
        note_id: passage.note.map(TicketNoteId::uuid),
        held_since: passage.held_since,
        held: span_out(passage.held),
        connector: passage.connector.map(|connector| connector.to_string()),
        commanded: passage.commanded,
        contact_over: passage.over,
        consult_id: passage.consult.map(WorkItemId::uuid),
        consult_of_id: passage.consult_of.map(WorkItemId::uuid),
        conference: passage.conference,
        callback_attempts: passage.callback.map(|c| c.attempts_left.into()),
        callback_pause: passage.callback.map_or(0, |c| span_out(c.pause)),
        callback_paused_until: passage.callback.and_then(|c| c.paused_until),
        callback_called: passage.callback.is_some_and(|c| c.called.is_some()),
        callback_called_at: passage.callback.and_then(|c| c.called),
        was_asked: passage.was_asked,
        held_before: passage.held_before,
        version: work.version,
    })
}

pub(super) fn read(row: Model) -> Result<WorkItem, Error> {
    let state = read_state(&row).ok_or(Error::Corrupt("the state of a work item"))??;
    let figures = read_figures(&row)?;
    let passage = passage(&row)?;
    let mut work = WorkItem {
        id: WorkItemId::from_uuid(row.id),
        ticket: TicketId::from_uuid(row.ticket_id),
        interaction: row.interaction_id.map(InteractionId::from_uuid),
        customer: customer(row.record_id, row.customer_id),
        channel: named(Channel::named(&row.channel))?,
        queue: QueueId::from_uuid(row.queue_id),
        skills: skills_in(&row.skills)?,
        priority: named(Priority::named(&row.priority))?,
        queued_at: row.queued_at,
        offers_made: count(row.offers_made)?,
        declines: declines_in(&row.declines)?,
        settled: row.settled,
        handed_over: row.handed_over,
        state,
        other_offers: offers_in(WorkItemId::from_uuid(row.id), row.other_offers.as_ref())?,
        route: row.route.map(json_in).transpose()?,
        passage: None,
        traceparent: row.traceparent,
        figures,
        version: row.version,
    };
    work.pass(|none| *none = passage);
    Ok(work)
}

fn read_figures(row: &Model) -> Result<Figures, Error> {
    let answered = row.answered_at.zip(row.answered_queue_id);
    let parked = row.parked_since.zip(row.parked_until);
    let promise = row.promised_p50.zip(row.promised_p90).map(|(p50, p90)| {
        Ok::<_, Error>(Promise {
            p50: span_in(p50)?,
            p90: span_in(p90)?,
        })
    });
    Ok(Figures {
        answered: answered.map(|(at, queue)| Answered {
            at,
            queue: QueueId::from_uuid(queue),
            in_time: row.in_time,
        }),
        left_early: row.left_early,
        handled_before: span_in(row.handled_before)?,
        over_capacity: row.over_capacity,
        parked: parked.map(|(since, until)| Parked { since, until }),
        parked_before: span_in(row.parked_before)?,
        promise: promise.transpose()?,
    })
}

/// None when a column that the state needs is empty.
fn read_state(row: &Model) -> Option<Result<WorkState, Error>> {
    let agent = row.agent_id.map(AgentId::from_uuid);
    let disposition = match optional_code(row.disposition.as_ref()) {
        Ok(code) => code,
        Err(error) => return Some(Err(error)),
    };
    let state = match row.state.as_str() {
        "waiting" => WorkState::Waiting,
        "offered" => WorkState::Offered(Offer {
            id: OfferId::from_uuid(row.offer_id?),
            item: WorkItemId::from_uuid(row.id),
            agent: agent?,
            made_at: row.offered_at?,
            expires_at: row.offer_expires_at?,
        }),
        "accepted" => WorkState::Accepted {
            agent: agent?,
            at: row.accepted_at?,
        },
        "wrapping_up" => WorkState::WrappingUp {
            agent: agent?,
            accepted_at: row.accepted_at?,
            at: row.handled_at?,
            until: row.wrap_up_until?,
            disposition,
        },
        "completed" | "transferred" => WorkState::Completed {
            agent: agent?,
            accepted_at: row.accepted_at?,
            handled_at: row.handled_at?,
            at: row.ended_at?,
            disposition,
        },
        "abandoned" => WorkState::Abandoned { at: row.ended_at? },
        "withdrawn" => WorkState::Withdrawn { at: row.ended_at? },
        _ => return None,
    };
    Some(Ok(state))
}
