//! A service desk's real year, played through the suite.
//!
//! The audit log of a real service desk is imported as contacts of its callers; the agents of the
//! log, joined to every queue they appear in and connected by streams, take and resolve all of it.
//! Then the same file is imported again, and nothing may change. With `--kills` the suite is ended
//! by SIGKILL at chosen moments, and its invariants are checked after every restart.
//!
//! Reads `incident_log/dev/incident_event_log.dev.csv.gz` below `RAPPORT_DATA` or `--data`.

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::{Parser, ValueEnum};
use rapport_tests::{Credentials, Database, DeskLog, Suite, Topology, Trigger};

mod floor;
mod kills;
mod outcome;

use floor::Floor;
use kills::Killer;

/// Plays a real service desk's log through the suite.
#[derive(Debug, Parser)]
struct Arguments {
    /// Folder of the data sets.
    #[arg(long, env = "RAPPORT_DATA")]
    data: PathBuf,
    /// Engine of the databases.
    #[arg(long, value_enum, default_value = "sqlite")]
    engine: Engine,
    /// One process, or one a role.
    #[arg(long)]
    split: bool,
    /// How often the suite is killed.
    #[arg(long, default_value_t = 0)]
    kills: u32,
    /// Seed of the moments it is killed at; random when absent, always printed.
    #[arg(long)]
    seed: Option<u64>,
    /// How long an agent handles a work item, in milliseconds.
    #[arg(long, default_value_t = 20)]
    handle_ms: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Engine {
    Sqlite,
    Postgres,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match play(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(breach) => {
            report(&format!("FAILED: {breach}"));
            ExitCode::FAILURE
        }
    }
}

async fn play(arguments: &Arguments) -> Result<(), String> {
    let started = Instant::now();
    let file = arguments
        .data
        .join("incident_log/dev/incident_event_log.dev.csv.gz");
    let floor = Floor::read(&file).map_err(|e| format!("{}: {e}", file.display()))?;
    report(&format!(
        "log: {} rows, {} incidents, {} queues, {} agents",
        floor.rows,
        floor.incidents,
        floor.queues.len(),
        floor.agents.len()
    ));

    let database = match arguments.engine {
        Engine::Sqlite => Database::sqlite(),
        Engine::Postgres => Database::postgres()?,
    };
    let topology = if arguments.split {
        Topology::Split
    } else {
        Topology::Embedded
    };
    let mut suite = Suite::start(topology, database, Credentials::new()).await;
    let agents = floor.open(&suite).await?;
    report(&format!(
        "floor open after {:.1} s",
        started.elapsed().as_secs_f64()
    ));

    let (log, trigger) = (DeskLog::default(), Trigger::default());
    let handle = Duration::from_millis(arguments.handle_ms);
    let desks = floor::seat(&suite, &agents, &log, &trigger, handle);

    let mut import = suite.import(&file);
    let seed = arguments.seed.unwrap_or_else(rand::random);
    let mut killer = Killer::new(seed, arguments.kills, floor.incidents);
    killer.during_import(&mut suite, &mut import).await?;
    let first = import.finish().await?;
    report(&format!(
        "import after {:.1} s: {first}",
        started.elapsed().as_secs_f64()
    ));
    killer.while_agents_work(&mut suite, &trigger, &log).await?;
    outcome::all_resolved(&suite, floor.incidents).await?;
    report(&format!(
        "all resolved after {:.1} s",
        started.elapsed().as_secs_f64()
    ));
    killer.done()?;

    outcome::imported(&first, &floor, arguments.kills > 0)?;
    outcome::no_overlaps(&log)?;
    suite.verify().await?;
    report("verify: no breach");

    outcome::settled(&suite).await?;
    let before = suite.row_counts().await;
    let second = suite.import(&file).finish().await?;
    report(&format!("second import: {second}"));
    outcome::imported_again(&second, &floor)?;
    outcome::settled(&suite).await?;
    outcome::unchanged(&before, &suite.row_counts().await)?;
    report(&format!("row counts unchanged in {} tables", before.len()));

    desks.iter().for_each(tokio::task::JoinHandle::abort);
    suite.stop().await;
    report(&format!(
        "done after {:.1} s",
        started.elapsed().as_secs_f64()
    ));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the report is what the script is for")]
fn report(line: &str) {
    println!("{line}");
}
