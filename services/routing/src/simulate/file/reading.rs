//! From tables to a scenario; what is wrong is noted and reading goes on.

use std::collections::{BTreeSet, HashSet};

use rapport_foundation::time::Micros;

use super::values::Faults;
use super::{
    ArrivalsTable, CapacityEntry, ChannelTable, DemandTable, HoursTable, QueueTable, ReplayFile,
    ScenarioFile, TeamTable,
};
use crate::domain::engine::Settings;
use crate::domain::{
    Capacity, Channel, ChannelCapacity, Discipline, Priority, Selection, WorkSelection,
};
use crate::simulate::arrivals::{Arrivals, Hours, Replayed};
use crate::simulate::scenario::{Demand, Line, Run, Scenario, Shift, Team};

/// Limits: a run has to fit into memory and into an afternoon. See also [`Scenario::too_large`].
const SEEDS_MAX: usize = 1_000;
const BATCHES_MAX: usize = 10_000;
const BATCH_LONGEST_S: f64 = 366.0 * 86_400.0;
const QUEUES_MAX: usize = 5_000;
const DEMANDS_MAX: usize = 500;
const TEAMS_MAX: usize = 500;
const AGENTS_MAX: usize = 20_000;
const CUSTOMERS_MAX: f64 = 1e9;
/// Rows of a replayed file at most.
const REPLAY_MAX: usize = 5_000_000;
const PER_HOUR_MAX: f64 = 1e8;

pub(super) struct Reading<'a> {
    file: &'a ScenarioFile,
    load: &'a mut dyn FnMut(&ReplayFile) -> Result<Vec<Replayed>, String>,
    codes: Vec<&'a str>,
    pub(super) faults: Vec<String>,
    noted: Faults,
}

impl<'a> Reading<'a> {
    pub(super) fn new(
        file: &'a ScenarioFile,
        load: &'a mut dyn FnMut(&ReplayFile) -> Result<Vec<Replayed>, String>,
    ) -> Self {
        Self {
            file,
            load,
            codes: file
                .queues
                .iter()
                .map(|queue| queue.code.as_str())
                .collect(),
            faults: Vec::new(),
            noted: Faults(Vec::new()),
        }
    }

    pub(super) fn scenario(&mut self) -> Scenario {
        let file = self.file;
        if file.name.trim().is_empty() || file.name.chars().count() > 200 {
            self.noted.add("name", "1 to 200 characters");
        }
        let run = self.run();
        let scenario = Scenario {
            name: file.name.clone(),
            run,
            settings: self.settings(),
            queues: file
                .queues
                .iter()
                .filter_map(|table| self.queue(table))
                .collect(),
            demands: file
                .demands
                .iter()
                .filter_map(|table| self.demand(table))
                .collect(),
            teams: file
                .teams
                .iter()
                .filter_map(|table| self.team(table))
                .collect(),
        };
        self.sizes(&scenario);
        self.twins();
        self.faults.append(&mut self.noted.0);
        scenario
    }

    fn run(&mut self) -> Run {
        let run = &self.file.run;
        let different: HashSet<_> = run.seeds.iter().collect();
        self.noted
            .count("run.seeds", run.seeds.len(), 1..=SEEDS_MAX);
        if different.len() < run.seeds.len() {
            self.noted.add("run.seeds", "a seed is named twice");
        }
        self.noted
            .count("run.batches", run.batches as usize, 2..=BATCHES_MAX);
        self.noted
            .number("run.batch_s", run.batch_s, 1e-3..=BATCH_LONGEST_S);
        Run {
            seeds: run.seeds.clone(),
            warm_up: self.noted.span("run.warm_up_s", run.warm_up_s),
            batch: self.noted.span("run.batch_s", run.batch_s),
            batches: run.batches,
        }
    }

    fn settings(&mut self) -> Settings {
        let table = &self.file.settings;
        let usual = Settings::default();
        Settings {
            grace: table
                .grace_s
                .map_or(usual.grace, |s| self.noted.span("settings.grace_s", s)),
            decline_pause: table.decline_pause_s.map_or(usual.decline_pause, |s| {
                self.noted.span("settings.decline_pause_s", s)
            }),
        }
    }

    fn queue(&mut self, table: &QueueTable) -> Option<Line> {
        let place = format!("queue {}", table.code);
        let code = self.noted.code(&place, &table.code);
        self.noted.number(
            &format!("{place}: offer_timeout_s"),
            table.offer_timeout_s,
            1e-3..=86_400.0,
        );
        self.noted.count(
            &format!("{place}: max_lapsed_offers"),
            table.max_lapsed_offers as usize,
            1..=1_000,
        );
        let discipline = self.discipline(&place, table);
        Some(Line {
            code: code?,
            offer_timeout: self
                .noted
                .span(&format!("{place}: offer_timeout_s"), table.offer_timeout_s),
            wrap_up: self
                .noted
                .span(&format!("{place}: wrap_up_s"), table.wrap_up_s),
            max_lapsed_offers: table.max_lapsed_offers,
            most_waiting: table.most_waiting,
            target: self
                .noted
                .span(&format!("{place}: target_s"), table.target_s),
            short_abandon: self
                .noted
                .span(&format!("{place}: short_abandon_s"), table.short_abandon_s),
            discipline: discipline?,
        })
    }

    fn discipline(&mut self, place: &str, table: &QueueTable) -> Option<Discipline> {
        let selection = Selection::named(&table.selection);
        if selection.is_none() {
            let problem = format!("there is no selection `{}`", table.selection);
            self.noted.add(place, problem);
        }
        let most = table.most_occupancy_spread;
        self.noted.count(
            &format!("{place}: most_occupancy_spread"),
            most.unwrap_or(0).into(),
            0..=100,
        );
        self.noted
            .count(&format!("{place}: weight"), table.weight.into(), 1..=1_000);
        Some(Discipline {
            selection: selection?,
            most_occupancy_spread: most,
            weight: table.weight,
            // A customer is offered to one after the other here.
            broadcast: 0,
        })
    }

    fn demand(&mut self, table: &DemandTable) -> Option<Demand> {
        let place = format!("demand {}", table.code);
        let code = self.noted.code(&place, &table.code);
        let queue = self.queue_named(&place, &table.queue);
        let channel = Channel::named(&table.channel);
        if channel.is_none() {
            self.noted
                .add(&place, format!("there is no channel `{}`", table.channel));
        }
        let priority = Priority::named(&table.priority);
        if priority.is_none() {
            self.noted
                .add(&place, format!("there is no priority `{}`", table.priority));
        }
        let skills = self
            .noted
            .skills(&format!("{place}: skills"), &table.skills);
        let arrivals = self.arrivals(&format!("{place}: arrivals"), &table.arrivals);
        let patience = table.patience.as_ref();
        let patience = patience.map(|law| self.noted.law(&format!("{place}: patience"), law));
        let handle = self.noted.law(&format!("{place}: handle"), &table.handle);
        Some(Demand {
            code: code?,
            queue: queue?,
            channel: channel?,
            priority: priority?,
            skills,
            arrivals: arrivals?,
            patience,
            handle,
        })
    }

    fn arrivals(&mut self, place: &str, table: &ArrivalsTable) -> Option<Arrivals> {
        match table {
            ArrivalsTable {
                per_hour: Some(rate),
                gaps: None,
                day: None,
                replay: None,
            } => {
                let rate = self.noted.number(place, *rate, 1e-6..=PER_HOUR_MAX);
                Some(Arrivals::Poisson {
                    per_s: rate / 3600.0,
                })
            }
            ArrivalsTable {
                per_hour: None,
                gaps: Some(law),
                day: None,
                replay: None,
            } => {
                let law = self.noted.law(place, law);
                // A mean of nothing would be endless arrivals at one moment.
                let least = 3600.0 / PER_HOUR_MAX;
                if law.mean_s() < least {
                    let problem = format!("gaps of {} s in the mean are too short", law.mean_s());
                    self.noted.add(place, problem);
                    return None;
                }
                Some(Arrivals::Renewal(law))
            }
            ArrivalsTable {
                per_hour: None,
                gaps: None,
                day: Some(hours),
                replay: None,
            } => Some(Arrivals::Day(self.hours(place, hours))),
            ArrivalsTable {
                per_hour: None,
                gaps: None,
                day: None,
                replay: Some(replay),
            } => self.replay(place, replay),
            _ => {
                self.noted
                    .add(place, "give exactly one of per_hour, gaps, day and replay");
                None
            }
        }
    }

    fn hours(&mut self, place: &str, tables: &[HoursTable]) -> Vec<Hours> {
        let mut hours: Vec<Hours> = tables
            .iter()
            .map(|table| Hours {
                from: self.noted.clock(place, &table.from),
                to: self.noted.clock(place, &table.to),
                per_s: self.noted.number(place, table.per_hour, 0.0..=PER_HOUR_MAX) / 3600.0,
            })
            .collect();
        for (table, _) in tables
            .iter()
            .zip(&hours)
            .filter(|(_, piece)| piece.from >= piece.to)
        {
            let problem = format!("hours end before they begin ({})", table.from);
            self.noted.add(place, problem);
        }
        hours.sort_by_key(|piece| piece.from);
        if hours.windows(2).any(|pair| pair[1].from < pair[0].to) {
            self.noted.add(place, "hours overlap");
        }
        if !hours.iter().any(|piece| piece.per_s > 0.0) {
            self.noted.add(place, "nobody ever comes");
        }
        hours
    }

    fn replay(&mut self, place: &str, file: &ReplayFile) -> Option<Arrivals> {
        let rows = match (self.load)(file) {
            Ok(rows) => rows,
            Err(problem) => {
                self.noted.add(place, problem);
                return None;
            }
        };
        self.noted.count(place, rows.len(), 1..=REPLAY_MAX);
        if rows.windows(2).any(|pair| pair[1].at < pair[0].at) {
            self.noted
                .add(place, "the rows are not in the order of their times");
        }
        Some(Arrivals::Replay(rows.into()))
    }

    fn team(&mut self, table: &TeamTable) -> Option<Team> {
        let place = format!("team {}", table.code);
        let code = self.noted.code(&place, &table.code);
        if table.agents == 0 {
            self.noted.add(&place, "nobody is in it");
        }
        if table.queues.is_empty() {
            self.noted.add(&place, "it serves no queue");
        }
        let queues = table.queues.iter();
        let queues = queues
            .filter_map(|code| self.queue_named(&place, code))
            .collect();
        let capacity = self.capacity(&place, table);
        let work_selection = WorkSelection::named(&table.work_selection);
        if work_selection.is_none() {
            let problem = format!("there is no work selection `{}`", table.work_selection);
            self.noted.add(&place, problem);
        }
        let handle_factor = self.noted.number(
            &format!("{place}: handle_factor"),
            table.handle_factor,
            0.01..=100.0,
        );
        let answer = table.answer.as_ref();
        let answer = answer.map(|law| self.noted.law(&format!("{place}: answer"), law));
        self.noted
            .number(&format!("{place}: back_s"), table.back_s, 1.0..=86_400.0);
        Some(Team {
            agents: table.agents,
            queues,
            skills: self
                .noted
                .skills(&format!("{place}: skills"), &table.skills),
            capacity,
            handle_factor,
            answer,
            back: self.noted.span(&place, table.back_s),
            shifts: self.shifts(&place, table),
            work_selection: work_selection?,
            code: code?,
        })
    }

    fn capacity(&mut self, place: &str, table: &TeamTable) -> Capacity {
        let mut capacity = Capacity::of_each(1, Micros::EPOCH);
        for (name, entry) in &table.capacity {
            let place = format!("{place}: capacity.{name}");
            match (name.as_str(), entry) {
                ("usual", CapacityEntry::Count(most)) => {
                    capacity.usual = self.concurrent(&place, *most);
                }
                ("total", CapacityEntry::Count(most)) => {
                    self.noted.count(&place, usize::from(*most), 1..=1_000);
                    capacity.total = Some(*most);
                }
                _ => capacity.named.extend(self.of_channel(&place, name, entry)),
            }
        }
        capacity
    }

    fn of_channel(
        &mut self,
        place: &str,
        name: &str,
        entry: &CapacityEntry,
    ) -> Option<ChannelCapacity> {
        let table = match entry {
            CapacityEntry::Count(concurrent) => ChannelTable::of(*concurrent),
            CapacityEntry::Channel(table) => table.clone(),
        };
        let concurrent = self.concurrent(place, table.concurrent);
        let interrupted_by = self.channels(place, &table.interrupted_by);
        let Some(channel) = Channel::named(name) else {
            self.noted
                .add(place, format!("there is no channel `{name}`"));
            return None;
        };
        Some(ChannelCapacity {
            channel,
            concurrent,
            weight: table.weight.unwrap_or(ChannelCapacity::WEIGHT),
            interrupted_by,
        })
    }

    fn concurrent(&mut self, place: &str, most: u16) -> u16 {
        self.noted.count(place, usize::from(most), 0..=100);
        most
    }

    fn channels(&mut self, place: &str, names: &[String]) -> BTreeSet<Channel> {
        let mut channels = BTreeSet::new();
        for name in names {
            match Channel::named(name) {
                Some(channel) => _ = channels.insert(channel),
                None => self
                    .noted
                    .add(place, format!("there is no channel `{name}`")),
            }
        }
        channels
    }

    fn shifts(&mut self, place: &str, table: &TeamTable) -> Vec<Shift> {
        let place = format!("{place}: shifts");
        self.noted.count(&place, table.shifts.len(), 0..=24);
        let mut shifts = Vec::new();
        for shift in &table.shifts {
            let (from, to) = (
                self.noted.clock(&place, &shift.from),
                self.noted.clock(&place, &shift.to),
            );
            if from == to {
                self.noted
                    .add(&place, format!("a shift begins and ends at {}", shift.from));
            }
            // The end of the day is the begin of the next.
            let midnight = crate::simulate::arrivals::DAY;
            shifts.push(Shift {
                from: from % midnight,
                to: to % midnight,
            });
        }
        shifts
    }

    fn queue_named(&mut self, place: &str, code: &str) -> Option<usize> {
        let found = self.codes.iter().position(|known| *known == code);
        if found.is_none() {
            self.noted.add(place, format!("there is no queue `{code}`"));
        }
        found
    }

    fn sizes(&mut self, scenario: &Scenario) {
        let (batches, agents) = (scenario.run.batches as usize, scenario.agents());
        self.noted
            .count("queues", self.file.queues.len(), 1..=QUEUES_MAX);
        self.noted
            .count("demands", self.file.demands.len(), 1..=DEMANDS_MAX);
        self.noted
            .count("teams", self.file.teams.len(), 1..=TEAMS_MAX);
        self.noted.count("agents", agents, 0..=AGENTS_MAX);
        if agents <= AGENTS_MAX {
            self.noted.0.extend(scenario.too_large());
        }
        let run = &scenario.run;
        let seconds = run.warm_up.as_secs_f64() + run.batch.as_secs_f64() * batches as f64;
        let rates = scenario
            .demands
            .iter()
            .filter_map(|d| d.arrivals.mean_per_s());
        let customers = rates.sum::<f64>() * seconds;
        self.noted
            .number("customers of a run", customers, 0.0..=CUSTOMERS_MAX);
    }

    fn twins(&mut self) {
        let queues = self.file.queues.iter().map(|t| ("queue", &t.code));
        let demands = self.file.demands.iter().map(|t| ("demand", &t.code));
        let teams = self.file.teams.iter().map(|t| ("team", &t.code));
        let mut seen = HashSet::new();
        for (kind, code) in queues.chain(demands).chain(teams) {
            if !seen.insert((kind, code)) {
                self.noted
                    .add(&format!("{kind} {code}"), "there are two of them");
            }
        }
    }
}
