//! A scenario as it is written down, and everything that may be wrong with it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::arrivals::Replayed;
use super::scenario::Scenario;

mod reading;
mod values;

use reading::Reading;

/// A scenario file. Unknown keys are refused.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioFile {
    name: String,
    run: RunTable,
    #[serde(default)]
    settings: SettingsTable,
    #[serde(default, rename = "queue")]
    queues: Vec<QueueTable>,
    #[serde(default, rename = "demand")]
    demands: Vec<DemandTable>,
    #[serde(default, rename = "team")]
    teams: Vec<TeamTable>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunTable {
    #[serde(default = "first_seeds")]
    seeds: Vec<u64>,
    #[serde(default)]
    warm_up_s: f64,
    batch_s: f64,
    #[serde(default = "usual_batches")]
    batches: u32,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingsTable {
    grace_s: Option<f64>,
    decline_pause_s: Option<f64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct QueueTable {
    code: String,
    #[serde(default = "usual_offer_timeout_s")]
    offer_timeout_s: f64,
    #[serde(default)]
    wrap_up_s: f64,
    #[serde(default = "one")]
    max_lapsed_offers: u32,
    most_waiting: Option<u32>,
    #[serde(default = "usual_target_s")]
    target_s: f64,
    #[serde(default)]
    short_abandon_s: f64,
    #[serde(default = "longest_idle")]
    selection: String,
    /// In percent.
    most_occupancy_spread: Option<u8>,
    #[serde(default = "one_part")]
    weight: u16,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DemandTable {
    code: String,
    queue: String,
    #[serde(default = "phone")]
    channel: String,
    #[serde(default = "normal")]
    priority: String,
    #[serde(default)]
    skills: Vec<String>,
    arrivals: ArrivalsTable,
    patience: Option<LawTable>,
    handle: LawTable,
}

/// Exactly one of these.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ArrivalsTable {
    per_hour: Option<f64>,
    gaps: Option<LawTable>,
    day: Option<Vec<HoursTable>>,
    replay: Option<ReplayFile>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HoursTable {
    from: String,
    to: String,
    per_hour: f64,
}

/// A file of tickets that were there once; read by whoever can read files.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayFile {
    /// The file, CSV, plain or gzip; beside the scenario when it is no absolute path.
    pub file: String,
    /// What stands between cells.
    #[serde(default = "comma")]
    pub delimiter: char,
    /// The column of the time it came.
    pub opened: String,
    /// The column of the time it was done. Without it handle times are drawn.
    pub done: Option<String>,
    /// Only the first row of each value of this column is a ticket.
    pub first_by: Option<String>,
    /// How times are written: strftime patterns, `rfc3339`, `unix_s`, `unix_ms`.
    #[serde(default = "rfc3339")]
    pub formats: Vec<String>,
    /// IANA zone of times that name none.
    #[serde(default = "utc")]
    pub zone: String,
}

/// Exactly one law, with what belongs to it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LawTable {
    fixed_s: Option<f64>,
    exponential_s: Option<f64>,
    uniform_s: Option<[f64; 2]>,
    lognormal_s: Option<f64>,
    cv: Option<f64>,
    gamma_s: Option<f64>,
    shape: Option<f64>,
    erlang_s: Option<f64>,
    stages: Option<u32>,
    empirical_s: Option<Vec<f64>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TeamTable {
    code: String,
    agents: u32,
    queues: Vec<String>,
    #[serde(default)]
    skills: Vec<String>,
    /// By channel; `usual` for the others, `total` for all of them together.
    #[serde(default)]
    capacity: BTreeMap<String, CapacityEntry>,
    #[serde(default = "oldest")]
    work_selection: String,
    #[serde(default = "as_drawn")]
    handle_factor: f64,
    answer: Option<LawTable>,
    #[serde(default = "usual_back_s")]
    back_s: f64,
    #[serde(default)]
    shifts: Vec<ShiftTable>,
}

/// How many of a channel, and where that is not all, what one takes of the total and what may come between.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum CapacityEntry {
    Count(u16),
    Channel(ChannelTable),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChannelTable {
    concurrent: u16,
    weight: Option<u16>,
    #[serde(default)]
    interrupted_by: Vec<String>,
}

impl ChannelTable {
    const fn of(concurrent: u16) -> Self {
        Self {
            concurrent,
            weight: None,
            interrupted_by: Vec::new(),
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShiftTable {
    from: String,
    to: String,
}

impl ScenarioFile {
    /// The scenario, with what is to be replayed read by `load`.
    ///
    /// # Errors
    /// Everything that is wrong, each with its place.
    pub fn check(
        &self,
        load: &mut dyn FnMut(&ReplayFile) -> Result<Vec<Replayed>, String>,
    ) -> Result<Scenario, Vec<String>> {
        let mut reading = Reading::new(self, load);
        let scenario = reading.scenario();
        if reading.faults.is_empty() {
            Ok(scenario)
        } else {
            Err(reading.faults)
        }
    }
}

fn first_seeds() -> Vec<u64> {
    (1..=5).collect()
}

const fn usual_batches() -> u32 {
    100
}

const fn usual_offer_timeout_s() -> f64 {
    20.0
}

const fn usual_target_s() -> f64 {
    20.0
}

const fn usual_back_s() -> f64 {
    60.0
}

const fn one() -> u32 {
    1
}

const fn one_part() -> u16 {
    1
}

const fn as_drawn() -> f64 {
    1.0
}

fn longest_idle() -> String {
    "longest_idle".into()
}

fn oldest() -> String {
    "oldest".into()
}

const fn comma() -> char {
    ','
}

fn phone() -> String {
    "phone".into()
}

fn normal() -> String {
    "normal".into()
}

fn utc() -> String {
    "UTC".into()
}

fn rfc3339() -> Vec<String> {
    vec!["rfc3339".into()]
}
