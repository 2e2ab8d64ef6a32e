#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::time::Duration;

use rapport_foundation::id::{AgentId, QueueId, TicketId, WorkItemId};
use rapport_foundation::time::Micros;
use uuid::Uuid;

use super::*;
use crate::domain::engine::{Changes, Engine, Input, Profile, Settings, Terms};
use crate::domain::{
    AgentKind, Answered, Capacity, Channel, Discipline, Figures, Passage, Skills, Status,
    WorkSelection,
};

const MINUTE: Duration = Duration::from_secs(60);

/// 2026-03-29 10:07:30 UTC, the day on which the clocks of Europe go forward.
const NOW: Micros = Micros(1_774_778_850_000_000);

fn queue(n: u128) -> QueueId {
    QueueId::from_uuid(Uuid::from_u128(n))
}

fn item(n: u128) -> WorkItemId {
    WorkItemId::from_uuid(Uuid::from_u128(n))
}

fn agent(n: u128) -> AgentId {
    AgentId::from_uuid(Uuid::from_u128(n))
}

fn work(n: u128, at: Micros, state: WorkState) -> WorkItem {
    WorkItem {
        id: item(n),
        ticket: TicketId::from_uuid(Uuid::from_u128(n)),
        interaction: None,
        customer: None,
        channel: Channel::Phone,
        queue: queue(1),
        skills: Skills::new(),
        priority: Priority::Normal,
        queued_at: at,
        offers_made: 0,
        declines: Vec::new(),
        settled: false,
        handed_over: false,
        state,
        other_offers: Vec::new(),
        route: None,
        passage: None,
        traceparent: None,
        figures: Figures::default(),
        version: 1,
    }
}

fn answered(n: u128, came: Micros, waited: Duration, in_time: bool) -> WorkItem {
    let at = came + waited;
    let mut work = work(
        n,
        came,
        WorkState::Accepted {
            agent: agent(1),
            at,
        },
    );
    work.figures.answered = Some(Answered {
        at,
        queue: queue(1),
        in_time,
    });
    work
}

#[test]
fn windows_begin_on_the_minute_and_days_at_midnight_on_the_wall() {
    let utc = |text: &str| {
        Micros(
            text.parse::<chrono::DateTime<chrono::Utc>>()
                .unwrap()
                .timestamp_micros(),
        )
    };
    let now = utc("2026-03-29T10:07:30Z");
    assert_eq!(now, NOW);
    assert_eq!(Window::Minutes(15).begins(now), utc("2026-03-29T09:52:00Z"));
    let midnight =
        |zone: &str, at: &str| Window::SinceMidnight(zone.parse().unwrap()).begins(utc(at));
    for (zone, at, begins) in [
        ("UTC", "2026-03-29T10:07:30Z", "2026-03-29T00:00:00Z"),
        // It was winter when the day began.
        (
            "Europe/Amsterdam",
            "2026-03-29T10:07:30Z",
            "2026-03-28T23:00:00Z",
        ),
        (
            "Asia/Kathmandu",
            "2026-03-29T10:07:30Z",
            "2026-03-28T18:15:00Z",
        ),
        (
            "Asia/Manila",
            "2026-03-29T10:07:30Z",
            "2026-03-28T16:00:00Z",
        ),
        // The clocks skipped midnight: the day began at one.
        (
            "America/Sao_Paulo",
            "2018-11-04T12:00:00Z",
            "2018-11-04T03:00:00Z",
        ),
        // Midnight came twice: the day began with the first.
        (
            "America/Havana",
            "2018-11-04T12:00:00Z",
            "2018-11-04T04:00:00Z",
        ),
    ] {
        assert_eq!(midnight(zone, at), utc(begins), "{zone}");
    }
}

#[test]
fn the_service_level_leaves_out_who_left_early() {
    let mut figures = Statistics::default();
    let came = NOW - MINUTE * 2;
    for (n, waited, in_time) in [(1, 10, true), (2, 20, true), (3, 30, false)] {
        let work = answered(n, came, Duration::from_secs(waited), in_time);
        figures.item(NOW, &work);
        // Seen once more it is not counted once more.
        figures.item(NOW, &work);
    }
    for (n, left_early) in [(4, true), (5, false)] {
        let mut left = work(n, came, WorkState::Abandoned { at: NOW });
        left.figures.left_early = left_early;
        figures.item(NOW, &left);
    }
    figures.item(NOW, &work(6, came, WorkState::Withdrawn { at: NOW }));
    let sums = figures.sums(queue(1), Window::Minutes(5).begins(NOW));
    assert_eq!(
        (sums.queued, sums.answered, sums.abandoned, sums.left_early),
        (6, 3, 2, 1)
    );
    assert_eq!(sums.withdrawn, 1);
    assert_eq!(sums.service_level(), Some(0.5));
    assert_eq!(sums.abandonment(), Some(0.4));
    assert_eq!(sums.speed_of_answer(), Some(Duration::from_secs(20)));
    assert_eq!(sums.handle_time(), None);
    assert_eq!(figures.sums(queue(2), Micros::EPOCH).service_level(), None);
}

#[test]
fn what_came_before_the_window_is_not_counted_in_it() {
    let mut figures = Statistics::default();
    for (n, minutes) in [(1, 3), (2, 16), (3, 59), (4, 300), (5, 60 * 27)] {
        let work = answered(n, NOW - MINUTE * minutes, Duration::ZERO, true);
        figures.item(NOW, &work);
    }
    let count = |figures: &Statistics, window: Window, now| {
        figures.sums(queue(1), window.begins(now)).answered
    };
    let day = Window::SinceMidnight("UTC".parse().unwrap());
    for (window, expected) in [
        (Window::Minutes(1), 0),
        (Window::Minutes(15), 1),
        (Window::Minutes(30), 2),
        (Window::Minutes(60), 3),
        (day, 4),
    ] {
        assert_eq!(count(&figures, window, NOW), expected, "{window:?}");
    }
    // Time passes, and what is too old is forgotten.
    let later = NOW + MINUTE * 30;
    figures.forget(later);
    assert_eq!(count(&figures, Window::Minutes(60), later), 2);
    assert_eq!(count(&figures, day, later), 4);
    let tomorrow = NOW + MINUTE * 60 * 27;
    figures.forget(tomorrow);
    assert_eq!(figures.sums(queue(1), Micros::EPOCH), Sums::default());
}

#[test]
fn work_that_moves_is_counted_where_it_is_and_where_it_was_answered() {
    let mut figures = Statistics::default();
    let from = Window::Minutes(5).begins(NOW);
    let mut moved = work(1, NOW, WorkState::Waiting);
    figures.item(NOW, &moved);
    moved.queue = queue(2);
    figures.item(NOW, &moved);
    let queued = |figures: &Statistics, n| figures.sums(queue(n), from).queued;
    assert_eq!((queued(&figures, 1), queued(&figures, 2)), (0, 1));
    assert_eq!(
        (
            figures.load(queue(1)).waiting,
            figures.load(queue(2)).waiting
        ),
        (0, 1)
    );
    moved.figures.answered = Some(Answered {
        at: NOW,
        queue: queue(2),
        in_time: true,
    });
    figures.item(NOW, &moved);
    moved.queue = queue(1);
    figures.item(NOW, &moved);
    moved.state = WorkState::Abandoned { at: NOW };
    figures.item(NOW, &moved);
    let sums = figures.sums(queue(2), from);
    assert_eq!((sums.queued, sums.answered, sums.abandoned), (1, 1, 0));
    assert_eq!(figures.sums(queue(1), from), Sums::default());
}

#[test]
fn the_oldest_is_told_whatever_is_more_urgent() {
    let mut figures = Statistics::default();
    for (n, ago, priority) in [
        (1, 5, Priority::Urgent),
        (2, 9, Priority::Low),
        (3, 7, Priority::Normal),
    ] {
        let at = NOW - MINUTE * ago;
        figures.item(
            NOW,
            &WorkItem {
                priority,
                ..work(n, at, WorkState::Waiting)
            },
        );
    }
    assert_eq!(figures.load(queue(1)).oldest, Some(NOW - MINUTE * 9));
    let ahead = |n| figures.ahead_of(item(n)).unwrap().1;
    assert_eq!([ahead(1), ahead(3), ahead(2)], [0, 1, 2]);
    let new = |priority| figures.ahead_of_new(queue(1), priority);
    assert_eq!(
        [
            new(Priority::Urgent),
            new(Priority::High),
            new(Priority::Low)
        ],
        [1, 1, 3]
    );
}

/// An agent who is there from the tenth second on, gets a call at once and has it for ten seconds.
fn one_call() -> (Engine, Statistics, Vec<Spell>) {
    let (mut engine, mut figures) = (Engine::new(Settings::default()), Statistics::default());
    let mut spells = Vec::new();
    let mut step = |engine: &mut Engine, at: u64, input: Input| {
        let now = NOW + Duration::from_secs(at);
        engine.step(now, input);
        let mut changes = engine.take_changes();
        spells.extend(figures.take_in(now, engine, &mut changes));
    };
    let profile = Profile {
        id: agent(1),
        queues: [queue(1)].into(),
        skills: Skills::new(),
        skills_until: Default::default(),
        capacity: Capacity::of_each(1, Micros::EPOCH),
        work_selection: WorkSelection::Oldest,
        kind: AgentKind::Person,
        shifts: None,
    };
    step(&mut engine, 0, Input::AgentChanged(profile));
    let terms = Terms {
        id: queue(1),
        offer_timeout: MINUTE,
        wrap_up: MINUTE,
        most_wrap_up: MINUTE,
        max_lapsed_offers: 1,
        most_waiting: None,
        answer_target: MINUTE,
        short_abandon: Duration::ZERO,
        discipline: Discipline::default(),
        commanded: false,
    };
    step(&mut engine, 0, Input::QueueChanged(terms));
    step(
        &mut engine,
        5,
        Input::StreamOpened {
            agent: agent(1),
            stream: 1,
        },
    );
    let status = Input::StatusSet {
        agent: agent(1),
        status: Status::Available,
        reason: None,
    };
    step(&mut engine, 10, status);
    let came = NOW + Duration::from_secs(20);
    step(
        &mut engine,
        20,
        Input::WorkItemQueued(Box::new(work(1, came, WorkState::Waiting))),
    );
    let offer = engine.item(item(1)).unwrap().offer().unwrap().id;
    step(
        &mut engine,
        25,
        Input::OfferAccepted {
            offer,
            agent: agent(1),
        },
    );
    let complete = Input::WorkCompleted {
        item: item(1),
        agent: agent(1),
        disposition: None,
        skip_wrap_up: true,
    };
    step(&mut engine, 35, complete);
    (engine, figures, spells)
}

#[test]
fn who_handles_work_is_busy_and_who_waits_for_it_is_idle() {
    let (_, figures, spells) = one_call();
    let now = NOW + Duration::from_secs(45);
    let time = figures.time(now, Window::Minutes(5).begins(now), agent(1));
    // Idle from 10 to 25 and from 35 on, busy from 25 to 35.
    assert_eq!((time.idle.as_secs(), time.busy.as_secs()), (25, 10));
    assert_eq!(time.permille(), Some(286));
    let told: Vec<_> = spells
        .iter()
        .map(|spell| {
            (
                spell.busy,
                spell.ended.map(|ended| (ended - spell.began).as_secs()),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (false, None),
            (false, Some(15)),
            (true, None),
            (true, Some(10)),
            (false, None)
        ]
    );
    assert_eq!(figures.time(now, now, agent(2)).permille(), None);
}

#[test]
fn after_a_restart_time_goes_on_as_it_is_known() {
    let (engine, figures, spells) = one_call();
    // As the table has it: the latest of what begins at a moment.
    let mut rows = std::collections::BTreeMap::new();
    rows.extend(spells.iter().map(|spell| (spell.began, *spell)));
    let later = NOW + Duration::from_secs(600);
    let mut recounted = Statistics::default();
    for spell in rows.values() {
        recounted.spell(later, *spell);
    }
    recounted.resume(NOW + Duration::from_secs(40));
    let mut engine = Engine::restore(Settings::default(), engine.snapshot(), later);
    let mut nothing = Changes::default();
    let closed = recounted.take_in(later, &mut engine, &mut nothing);
    assert_eq!(closed.len(), 1);
    assert_eq!(closed[0].ended, Some(NOW + Duration::from_secs(40)));
    let from = Window::Minutes(30).begins(later);
    let time = recounted.time(later, from, agent(1));
    // Nobody knows what was between the fortieth second and the restart.
    assert_eq!((time.idle.as_secs(), time.busy.as_secs()), (20, 10));
    let went_on = figures.time(NOW + Duration::from_secs(40), from, agent(1));
    assert_eq!(time, went_on);
    engine.step(
        later,
        Input::StreamOpened {
            agent: agent(1),
            stream: 2,
        },
    );
    let mut changes = engine.take_changes();
    let begun = recounted.take_in(later, &mut engine, &mut changes);
    assert_eq!(
        begun.first().map(|spell| (spell.began, spell.ended)),
        Some((later, None))
    );
}

#[test]
fn who_is_asked_counts_in_what_is_done_and_not_in_who_waited() {
    let mut statistics = Statistics::default();
    let came = NOW - MINUTE;
    let passages: [fn(&mut Passage); 2] = [
        |passage| passage.consult_of = Some(item(99)),
        |passage| passage.was_asked = true,
    ];
    for (n, asked) in (1..).zip(passages) {
        let mut done = answered(n, came, MINUTE / 2, true);
        done.state = WorkState::Completed {
            agent: agent(1),
            accepted_at: came + MINUTE / 2,
            handled_at: NOW,
            at: NOW,
            disposition: None,
        };
        done.pass(asked);
        let mut waits = work(n, came, WorkState::Waiting);
        waits.pass(asked);
        statistics.item(came, &waits);
        statistics.item(NOW, &done);
    }
    let mut gone = work(3, came, WorkState::Withdrawn { at: NOW });
    gone.pass(|passage| passage.consult_of = Some(item(99)));
    statistics.item(NOW, &gone);
    let sums = statistics.sums(queue(1), Window::Minutes(60).begins(NOW));
    assert_eq!((sums.queued, sums.answered, sums.withdrawn), (0, 0, 0));
    assert_eq!(sums.completed, 2);
}
