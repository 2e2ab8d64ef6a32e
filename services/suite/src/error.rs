//! Why a command ended badly, and the exit code that says so.

use std::process::ExitCode;

use rapport_foundation::config::ConfigFaults;
use rapport_foundation::context::KeyError;
use rapport_foundation::role::Role;

use crate::{client, configure, data_dir, export, import};

/// Bad configuration or a command that makes no sense (EX_USAGE of sysexits).
pub const EXIT_USAGE: u8 = 64;
/// An import whose file had rows that were rejected.
pub const EXIT_REJECTS: u8 = 2;
/// What is there is not what files say.
pub const EXIT_DIFFERENCES: u8 = 2;

/// Why a command ended badly.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigFaults),
    /// The command line.
    #[error("{0}")]
    Usage(String),
    /// Telemetry cannot be started.
    #[error(transparent)]
    Telemetry(#[from] rapport_foundation::telemetry::Error),
    /// The data directory.
    #[error(transparent)]
    DataDir(#[from] data_dir::Error),
    /// Keys that sign the context of calls.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key that seals personal data.
    #[error("the master key: {0}")]
    MasterKey(#[from] rapport_foundation::seal::KeyFileError),
    /// The address of a neighbour.
    #[error(transparent)]
    Neighbour(#[from] rapport_foundation::channel::InvalidUrl),
    /// A TLS file cannot be used.
    #[error(transparent)]
    Tls(#[from] rapport_foundation::tls::TlsError),
    /// A database.
    #[error("the database of {role}: {source}")]
    Database {
        /// Whose.
        role: Role,
        /// What happened.
        source: rapport_foundation::db::Error,
    },
    /// The schema is older than this program, and this process does not migrate.
    #[error(
        "the database of {role} lacks {count} migration(s): run `rapport migrate --role {role}` first"
    )]
    Unmigrated {
        /// Whose.
        role: Role,
        /// How many.
        count: usize,
    },
    /// A part cannot be opened.
    #[error("{role} cannot start: {message}")]
    Open {
        /// Which.
        role: Role,
        /// Why.
        message: String,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which.
        address: std::net::SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// A task of the running suite ended by itself.
    #[error("the task `{0}` failed; the log says why")]
    TaskFailed(&'static str),
    /// An import.
    #[error(transparent)]
    Import(#[from] import::Error),
    /// An export.
    #[error(transparent)]
    Export(#[from] export::Error),
    /// Configuration as code.
    #[error(transparent)]
    Configure(#[from] configure::Error),
    /// The gateway cannot be called.
    #[error(transparent)]
    Client(#[from] client::Error),
    /// A call was answered with an error.
    #[error("{}", client::explain(.0))]
    Call(Box<tonic::Status>),
    /// A file or the terminal.
    #[error("{what}: {source}")]
    Io {
        /// Which.
        what: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// Invariants cannot be checked.
    #[error("{role} cannot be verified: {message}")]
    Verify {
        /// Whose.
        role: Role,
        /// Why.
        message: String,
    },
    /// Invariants do not hold.
    #[error("{0} breach(es)")]
    Breaches(usize),
    /// A scenario cannot be simulated.
    #[error("{file}: the scenario has {} fault(s):\n  {}", .faults.len(), .faults.join("\n  "))]
    Scenario {
        /// Which file.
        file: String,
        /// Everything that is wrong.
        faults: Vec<String>,
    },
    /// The engine does not behave as queueing theory says.
    #[error("the engine does not conform:\n  {}", .0.join("\n  "))]
    Nonconforming(Vec<String>),
    /// The suite did not do what the demo says.
    #[error("the suite did not do as told:\n  {}", .0.join("\n  "))]
    Demo(Vec<String>),
    /// A token cannot be signed.
    #[error("the token cannot be signed: {0}")]
    Token(String),
    /// Something cannot be measured.
    #[error("{0}")]
    Bench(String),
    /// Nothing healthy answers.
    #[error("not serving: {0}")]
    NotServing(String),
}

impl From<tonic::Status> for Error {
    fn from(status: tonic::Status) -> Self {
        Error::Call(Box::new(status))
    }
}

impl Error {
    /// The exit code a shell or a supervisor sees.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Error::Config(_)
            | Error::Usage(_)
            | Error::Scenario { .. }
            | Error::Configure(configure::Error::Faults(_) | configure::Error::Kind(_))
            | Error::Import(import::Error::Map(_))
            | Error::Export(export::Error::There(_) | export::Error::Another(_)) => EXIT_USAGE,
            Error::Import(import::Error::Stopped) | Error::Export(export::Error::Stopped) => 130,
            _ => 1,
        })
    }
}
