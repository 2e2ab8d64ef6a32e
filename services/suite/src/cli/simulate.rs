//! `rapport simulate SCENARIO`

use std::path::PathBuf;

use clap::Args;
use rapport_routing::simulate::conformance::{Judgement, Row, rows};
use rapport_routing::simulate::{Comparison, Report, Scenario, Tally};
use serde::Serialize;

use super::{Ended, say};
use crate::error::Error;
use crate::simulate::{read, run_all, table};

#[derive(Debug, Args)]
pub(super) struct Simulate {
    /// The scenario (TOML); examples are in deploy/scenarios
    #[arg(value_name = "SCENARIO", required_unless_present = "conformance")]
    scenario: Option<PathBuf>,
    /// A second scenario with the same customers: how it differs, batch by batch
    #[arg(long, value_name = "SCENARIO", conflicts_with = "conformance")]
    compare: Option<PathBuf>,
    /// How many seeds, from 1 on [default: those of the scenario; 1 to 5]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..=1000))]
    seeds: Option<u64>,
    /// Figures as JSON instead of tables
    #[arg(long)]
    json: bool,
    /// Holds the engine against queueing theory instead: every model of the table, by a fixed rule; fails when one
    /// does not agree. Takes half an hour of one core, most of it for `waiting-room-77`
    #[arg(long, conflicts_with = "scenario")]
    conformance: bool,
    /// Only models whose name begins so; may be repeated
    #[arg(long, value_name = "NAME", requires = "conformance")]
    model: Vec<String>,
}

impl Simulate {
    pub(super) fn run(self) -> Result<Ended, Error> {
        match (&self.scenario, &self.compare) {
            (None, _) => self.conform(),
            (Some(file), None) => {
                let scenario = self.read(file)?;
                let runs = self.runs(&scenario);
                self.tell(&Report::new(&scenario, &runs), table::report)
            }
            (Some(file), Some(other)) => {
                let (one, other) = self.read_both(file, other)?;
                let runs = (self.runs(&one), self.runs(&other));
                let comparison = Comparison::new((&one, &runs.0), (&other, &runs.1));
                self.tell(&comparison, table::comparison)
            }
        }
    }

    fn read(&self, file: &std::path::Path) -> Result<Scenario, Error> {
        let mut scenario = read(file)?;
        if let Some(count) = self.seeds {
            scenario.run.seeds = (1..=count).collect();
        }
        match scenario.too_large().as_slice() {
            [] => Ok(scenario),
            faults => Err(Error::Usage(faults.join("; "))),
        }
    }

    /// Both are watched as the first says: figures are compared batch by batch.
    fn read_both(
        &self,
        file: &std::path::Path,
        other: &std::path::Path,
    ) -> Result<(Scenario, Scenario), Error> {
        let one = self.read(file)?;
        let mut second = self.read(other)?;
        second.run = one.run.clone();
        if one.same_customers(&second) {
            return Ok((one, second));
        }
        let (file, other) = (file.display(), other.display());
        Err(Error::Usage(format!(
            "{file} and {other} have other customers: codes, arrivals, patience and handle times of demands must be the same"
        )))
    }

    fn runs(&self, scenario: &Scenario) -> Vec<Tally> {
        run_all(scenario, &scenario.run.seeds)
    }

    fn tell<T: Serialize>(
        &self,
        figures: &T,
        table: fn(&T) -> Vec<String>,
    ) -> Result<Ended, Error> {
        if self.json {
            let told = serde_json::to_string_pretty(figures);
            say(&told.map_err(|error| Error::Usage(error.to_string()))?);
        } else {
            table(figures).iter().for_each(|line| say(line));
        }
        Ok(Ended::Well)
    }

    fn conform(&self) -> Result<Ended, Error> {
        let rows = self.models()?;
        let (mut verdicts, mut faults) = (Vec::new(), Vec::new());
        for mut row in rows {
            if let Some(count) = self.seeds {
                row.scenario.run.seeds = (1..=count).collect();
            }
            let (figures, inexact) = row.judge(&self.runs(&row.scenario));
            if !self.json {
                table::verdicts(&figures, verdicts.is_empty())
                    .iter()
                    .for_each(|line| say(line));
            }
            verdicts.extend(figures);
            faults.extend(inexact);
        }
        let judgement = Judgement::new(verdicts, faults);
        self.tell(&judgement, table::judgement)?;
        if judgement.passes() {
            return Ok(Ended::Well);
        }
        let of_figures = judgement.verdicts.iter().flat_map(|verdict| {
            let place = format!("{}, {}", verdict.model, verdict.figure);
            verdict
                .faults
                .iter()
                .map(move |fault| format!("{place}: {fault}"))
        });
        let faults = of_figures.chain(judgement.faults.iter().cloned()).collect();
        Err(Error::Nonconforming(faults))
    }

    fn models(&self) -> Result<Vec<Row>, Error> {
        let mut chosen = rows();
        if !self.model.is_empty() {
            chosen.retain(|row| {
                self.model
                    .iter()
                    .any(|name| row.code.starts_with(name.as_str()))
            });
        }
        if chosen.is_empty() {
            let names: Vec<_> = rows().iter().map(|row| row.code).collect();
            return Err(Error::Usage(format!("the models are {}", names.join(", "))));
        }
        Ok(chosen)
    }
}
