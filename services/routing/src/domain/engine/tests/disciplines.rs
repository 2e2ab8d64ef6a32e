//! Who is asked first by each discipline, and which of their queues' work who comes free gets.

use std::time::Duration;

use proptest::prelude::*;
use rapport_foundation::time::Micros;

use super::desk::*;
use crate::domain::engine::{Engine, Input, Pace, Profile, Settings, Snapshot, Terms, Turn};
use crate::domain::{
    Discipline, Load, Presence, Priority, Selection, Standing, Status, Taken, WorkItem,
    WorkSelection,
};

fn by(selection: Selection) -> Discipline {
    Discipline {
        selection,
        ..Discipline::default()
    }
}

/// Agents 1..=n are there, and the first queue chooses by this.
fn desk(n: u128, discipline: Discipline) -> Desk {
    let mut desk = Desk::with_agents(n);
    rule(&mut desk, discipline);
    desk
}

fn rule(desk: &mut Desk, discipline: Discipline) {
    desk.step(Input::QueueChanged(Terms {
        discipline,
        ..terms(1)
    }));
}

/// Work comes, goes to that agent, and takes so long.
fn serve(desk: &mut Desk, n: u128, by: u128, seconds: u64) {
    desk.queue(work(n, 1, desk.now));
    take(desk, n, by);
    finish(desk, n, by, seconds);
}

fn take(desk: &mut Desk, n: u128, by: u128) {
    let offer = desk.offer_for(n).unwrap();
    assert_eq!(offer.agent, agent(by), "work item {n}");
    desk.accept(offer);
}

fn finish(desk: &mut Desk, n: u128, by: u128, seconds: u64) {
    desk.pass_until(desk.now + Duration::from_secs(seconds));
    desk.step(Input::WorkCompleted {
        item: item(n),
        agent: agent(by),
        disposition: None,
        skip_wrap_up: true,
    });
}

/// Whom a work item that comes now is offered to.
fn asked(desk: &mut Desk, n: u128) -> u128 {
    desk.queue(work(n, 1, desk.now));
    desk.offer_for(n).unwrap().agent.uuid().as_u128()
}

#[test]
fn the_least_occupied_is_asked_although_another_waits_longer() {
    for (selection, first) in [(Selection::LongestIdle, 1), (Selection::LeastOccupied, 2)] {
        let mut desk = desk(2, by(Selection::LongestIdle));
        serve(&mut desk, 1, 1, 600);
        desk.pass_until(secs(700));
        serve(&mut desk, 2, 2, 10);
        rule(&mut desk, by(selection));
        assert_eq!(asked(&mut desk, 3), first, "{selection:?}");
    }
}

#[test]
fn the_best_skilled_is_asked_and_where_no_skill_is_asked_for_who_waits_longest() {
    let mut desk = desk(0, by(Selection::BestSkilled));
    for (n, held) in [
        (1, &["a:3", "b:9"][..]),
        (2, &["a:5", "b:4"]),
        (3, &["a:4", "b:4"]),
    ] {
        desk.hire(profile(n, &[1], held));
        desk.pass_until(secs(10 * u64::try_from(n).unwrap()));
    }
    let asking = |n, asked: &[&str], now| WorkItem {
        skills: skills(asked),
        ..work(n, 1, now)
    };
    // Above a:3 and b:2 the first is by 0 and 7 levels, the second by 2 and 2, the third by 1 and 2.
    desk.queue(asking(1, &["a:3", "b:2"], desk.now));
    assert_eq!(desk.offer_for(1).unwrap().agent, agent(1));
    desk.queue(asking(2, &["a:3"], desk.now));
    assert_eq!(desk.offer_for(2).unwrap().agent, agent(2));
    for n in [1, 2] {
        desk.step(Input::WorkItemWithdrawn {
            item: item(n),
            abandoned: false,
        });
    }
    assert_eq!(asked(&mut desk, 3), 1);
}

#[test]
fn it_is_the_turn_of_the_next_and_after_a_restart_too() {
    let mut desk = desk(3, by(Selection::RoundRobin));
    serve(&mut desk, 1, 1, 5);
    // The second comes back from a break: the third waits longer.
    for status in [Status::Away, Status::Available] {
        desk.step(Input::StatusSet {
            agent: agent(2),
            status,
            reason: None,
        });
    }
    serve(&mut desk, 2, 2, 5);
    desk.engine = Engine::restore(Settings::default(), desk.engine.snapshot(), desk.now);
    for n in 1..=3 {
        desk.step(Input::StreamOpened {
            agent: agent(n),
            stream: 2,
        });
    }
    serve(&mut desk, 3, 3, 5);
    serve(&mut desk, 4, 1, 5);
    // Who is not there is left out, and it goes on behind them.
    desk.step(Input::StatusSet {
        agent: agent(2),
        status: Status::Away,
        reason: None,
    });
    serve(&mut desk, 5, 3, 5);
}

#[test]
fn the_fastest_is_asked_and_who_is_new_counts_as_the_mean() {
    let mut desk = desk(2, by(Selection::Fastest));
    // Nobody has done anything: the longest idle.
    serve(&mut desk, 1, 1, 200);
    // Who is new begins at the mean, which is that of the first alone: the longest idle of the two.
    serve(&mut desk, 2, 2, 20);
    desk.pass_until(secs(1_000));
    serve(&mut desk, 3, 2, 20);
    desk.hire(profile(3, &[1], &[]));
    // The second is fastest, the third new, the first slowest.
    assert_eq!([4, 5, 6].map(|n| asked(&mut desk, n)), [2, 3, 1]);
}

#[test]
fn who_is_far_more_occupied_than_the_mean_is_asked_after_the_others() {
    let bound = |most| Discipline {
        most_occupancy_spread: most,
        ..by(Selection::Fastest)
    };
    let mut desk = desk(2, bound(None));
    serve(&mut desk, 1, 1, 100);
    for n in 2..8 {
        serve(&mut desk, n, 2, 50);
    }
    rule(&mut desk, bound(Some(90)));
    serve(&mut desk, 8, 2, 50);
    rule(&mut desk, bound(Some(10)));
    assert_eq!(asked(&mut desk, 9), 1);
    // When nobody else is free they are asked all the same.
    assert_eq!(asked(&mut desk, 10), 2);
}

/// Two queues, where so much waits from the beginning, and an agent who chooses by a rule.
fn two_queues(rule: WorkSelection, terms_of: [Terms; 2]) -> Desk {
    let mut desk = Desk::with_agents(0);
    for terms in terms_of {
        desk.step(Input::QueueChanged(terms));
    }
    for n in 1..=60_u128 {
        desk.queue(work(n, 1 + n % 2, secs(u64::try_from(n).unwrap())));
    }
    desk.pass_until(secs(100));
    desk.hire(Profile {
        work_selection: rule,
        ..profile(1, &[1, 2], &[])
    });
    desk
}

fn weighing(n: u128, weight: u16, target: u64) -> Terms {
    Terms {
        discipline: Discipline {
            weight,
            ..Discipline::default()
        },
        answer_target: Duration::from_secs(target),
        ..terms(n)
    }
}

/// The queues of the work that the agent got, one after the other.
fn served(desk: &mut Desk, count: usize, seconds: u64) -> Vec<u128> {
    let mut queues = Vec::new();
    for _ in 0..count {
        let held: Vec<_> = desk.engine.held_by(agent(1)).cloned().collect();
        let offer = *held[0].offer().unwrap();
        queues.push(held[0].queue.uuid().as_u128());
        desk.accept(offer);
        finish(desk, offer.item.uuid().as_u128(), 1, seconds);
    }
    queues
}

#[test]
fn queues_share_an_agent_as_their_weights_say() {
    let terms_of = [weighing(1, 3, 20), weighing(2, 1, 20)];
    let mut desk = two_queues(WorkSelection::QueueRatio, terms_of);
    let of_first = |queues: &[u128]| queues.iter().filter(|queue| **queue == 1).count();
    assert_eq!(of_first(&served(&mut desk, 16, 5)), 12);
    // An owner that begins anew goes on where the one before stood.
    desk.engine = Engine::restore(Settings::default(), desk.engine.snapshot(), desk.now);
    desk.step(Input::StreamOpened {
        agent: agent(1),
        stream: 2,
    });
    assert_eq!(of_first(&served(&mut desk, 16, 5)), 12);
    // Who asks for the oldest takes them in turn.
    let terms_of = [weighing(1, 3, 20), weighing(2, 1, 20)];
    let mut oldest = two_queues(WorkSelection::Oldest, terms_of);
    assert_eq!(served(&mut oldest, 4, 5), [2, 1, 2, 1]);
}

#[test]
fn where_waiting_grows_dearest_the_soonest_for_the_time_it_takes_is_served_first() {
    let c_mu = WorkSelection::GeneralisedCMu;
    // The target of the first is shorter by half: a wait as long counts four times.
    let mut desk = two_queues(c_mu, [weighing(1, 1, 30), weighing(2, 1, 60)]);
    assert_eq!(served(&mut desk, 3, 1), [1, 1, 1]);
    // A weight of four makes good for it: then the older goes first. Three do not.
    for (weight, first) in [(4, 2), (3, 1)] {
        let mut desk = two_queues(c_mu, [weighing(1, 1, 30), weighing(2, weight, 60)]);
        assert_eq!(served(&mut desk, 1, 1), [first]);
    }
}

#[test]
fn what_takes_less_time_is_served_first_where_cost_is_the_same() {
    let terms_of = [weighing(1, 1, 60), weighing(2, 1, 60)];
    let mut desk = two_queues(WorkSelection::GeneralisedCMu, terms_of);
    // It is not known yet how long anything takes: 300 s. The first of the second queue takes far less.
    assert_eq!(served(&mut desk, 1, 1), [2]);
    assert_eq!(served(&mut desk, 3, 1), [2, 2, 2]);
}

#[test]
fn priority_goes_first_by_every_rule() {
    for rule in WorkSelection::ALL {
        let mut desk = two_queues(*rule, [weighing(1, 1_000, 1), weighing(2, 1, 600)]);
        desk.queue(WorkItem {
            priority: Priority::High,
            ..work(99, 2, desk.now)
        });
        served(&mut desk, 1, 1);
        assert_eq!(served(&mut desk, 1, 1), [2], "{rule:?}");
        assert!(desk.engine.item(item(99)).is_none());
    }
}

/// An agent as they stood when an owner took over.
#[derive(Clone, Debug)]
struct Drawn {
    busy: u64,
    staffed: u64,
    idle: u64,
    level: u8,
    pace: Option<u64>,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let times = (0..50_u64, 0..50_u64, 0..5_u64);
    let pace = prop::option::of(1..5_u64);
    (times, 1..4_u8, pace).prop_map(|((busy, idle_time, idle), level, pace)| Drawn {
        busy,
        staffed: busy + idle_time,
        idle,
        level,
        pace,
    })
}

const NOW: Micros = Micros(7_200_000_000);

fn house(drawn: &[Drawn], discipline: Discipline, last: Option<u128>) -> Engine {
    let numbered = || (1_u128..).zip(drawn);
    let agents = numbered().map(|(n, drawn)| {
        let held = format!("a:{}", drawn.level);
        let standing = Standing {
            status: Status::Available,
            presence: Presence::Present,
            idle_since: Micros(i64::try_from(drawn.idle).unwrap()),
            load: Load {
                busy: drawn.busy,
                staffed: drawn.staffed,
                until: NOW,
            },
            ..Standing::new(NOW)
        };
        (profile(n, &[1], &[&held]), standing)
    });
    let paces = numbered().filter_map(|(n, drawn)| {
        Some(Pace {
            queue: queue(1),
            agent: agent(n),
            handle: drawn.pace?,
        })
    });
    let turn = Turn {
        queue: queue(1),
        last: last.map(agent),
        taken: Taken::default(),
    };
    let snapshot = Snapshot {
        queues: vec![Terms {
            discipline,
            ..terms(1)
        }],
        agents: agents.collect(),
        items: Vec::new(),
        paces: paces.collect(),
        turns: vec![turn],
        calendars: Vec::new(),
    };
    let mut engine = Engine::restore(Settings::default(), snapshot, NOW);
    for (n, _) in numbered() {
        engine.step(
            NOW,
            Input::StreamOpened {
                agent: agent(n),
                stream: 1,
            },
        );
    }
    engine
}

/// Who is first, the slow and obvious way.
fn first(drawn: &[Drawn], discipline: Discipline, last: Option<u128>) -> u128 {
    let occupancy = |drawn: &Drawn| match drawn.staffed {
        0 => 0,
        staffed => drawn.busy * 1_000_000 / staffed,
    };
    let mean = drawn.iter().map(occupancy).sum::<u64>() / drawn.len() as u64;
    let known: Vec<u64> = drawn.iter().filter_map(|drawn| drawn.pace).collect();
    let usual = match known.len() {
        0 => 0,
        count => known.iter().sum::<u64>() / count as u64,
    };
    let key = |n: u128, drawn: &Drawn| {
        let spread = discipline.most_occupancy_spread;
        let over = spread.is_some_and(|most| occupancy(drawn) > mean + u64::from(most) * 10_000);
        let figure = match discipline.selection {
            Selection::LongestIdle => 0,
            Selection::LeastOccupied => occupancy(drawn),
            Selection::BestSkilled => 10 - u64::from(drawn.level),
            Selection::Fastest => drawn.pace.unwrap_or(usual),
            Selection::RoundRobin => u64::from(n <= last.unwrap_or(0)),
        };
        let idle = match discipline.selection {
            Selection::RoundRobin => 0,
            _ => drawn.idle,
        };
        (over, figure, idle, n)
    };
    let keys = (1_u128..).zip(drawn).map(|(n, drawn)| key(n, drawn));
    keys.min().unwrap().3
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn who_is_asked_is_the_first_by_the_discipline(
        drawn in prop::collection::vec(drawn(), 1..8),
        selection in prop::sample::select(Selection::ALL),
        most_occupancy_spread in prop::option::of(0..40_u8),
        last in prop::option::of(1..8_u128),
    ) {
        let discipline = Discipline { most_occupancy_spread, ..by(selection) };
        let mut engine = house(&drawn, discipline, last);
        let asking = WorkItem { skills: skills(&["a"]), ..work(1, 1, NOW) };
        engine.step(NOW, Input::WorkItemQueued(Box::new(asking)));
        let offer = *engine.item(item(1)).unwrap().offer().unwrap();
        prop_assert_eq!(offer.agent, agent(first(&drawn, discipline, last)));
    }
}

#[test]
fn while_nobody_decides_nobody_is_staffed_who_has_nothing_to_do() {
    let mut desk = Desk::with_agents(2);
    desk.queue(work(1, 1, desk.now));
    let offer = desk.offer_for(1).unwrap();
    desk.accept(offer);
    let began = desk.now;
    desk.pass_until(began + Duration::from_secs(60));
    let mut snapshot = desk.engine.snapshot();
    let load = |snapshot: &Snapshot, n| {
        let mut agents = snapshot.agents.iter();
        let found = agents.find(|(profile, _)| profile.id == agent(n));
        found.unwrap().1.load
    };
    let before = [1, 2].map(|n| load(&snapshot, n));
    let back = began + Duration::from_secs(600);
    snapshot.rest(desk.now, back);
    let after = Engine::restore(Settings::default(), snapshot, back).snapshot();
    for n in [1, 2] {
        let (before, after) = (before[usize::from(n == 2)], load(&after, n));
        let gone = (after.busy - before.busy, after.staffed - before.staffed);
        let (busy, staffed) = if offer.agent == agent(n) {
            (600_000_000, 600_000_000)
        } else {
            (0, 60_000_000)
        };
        assert_eq!(gone, (busy, staffed));
    }
}
