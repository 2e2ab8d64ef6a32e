//! The configuration of a process: what it plays, where its data is, where its neighbours are.
//!
//! `deploy/rapport.toml` is this type with every setting written out; a test keeps the two together.

use std::path::{Path, PathBuf};

use rapport_foundation::channel::PoolConfig;
use rapport_foundation::config::{ConfigFaults, Fault, Source, load};
use rapport_foundation::db::DatabaseConfig;
use rapport_foundation::role::Role;
use rapport_foundation::service::{AdminConfig, DrainConfig, ListenConfig};
use rapport_foundation::telemetry::TelemetryConfig;
use serde::{Deserialize, Serialize};

/// Variables that begin like settings and are none: flags of commands, and the folder of test data.
const NO_SETTINGS: [&str; 4] = [
    "RAPPORT_CONFIG",
    "RAPPORT_TOKEN",
    "RAPPORT_GATEWAY",
    "RAPPORT_DATA",
];

/// The most threads that can be asked for.
const MOST_THREADS: usize = 1_024;

/// Everything a process of the suite can be told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The parts this process plays. All of them: the whole suite in one process.
    pub roles: Vec<Role>,
    /// Threads that answer calls. 0: one for each core. In a gateway that runs apart each has a runtime, and with it
    /// connections to the services, of its own; what goes on beside the calls has one thread more.
    pub threads: usize,
    /// Where an embedded suite keeps its SQLite files, its master key and its development secret.
    pub data_dir: PathBuf,
    /// Where the services of this process listen for their neighbours, when not all parts are in it. Not public.
    pub service: ListenConfig,
    /// One database for each part. An empty `url` stands for the SQLite file `<data_dir>/<role>.db`.
    pub databases: Databases,
    /// Where the parts are that are not in this process.
    pub neighbours: NeighbourUrls,
    /// Keys of a part that runs apart. An embedded suite makes its own.
    pub keys: Keys,
    /// Logs and traces.
    pub telemetry: TelemetryConfig,
    /// The port for whoever runs the process.
    pub admin: AdminConfig,
    /// How the process ends.
    pub drain: DrainConfig,
    /// The public listener.
    pub gateway: rapport_gateway::Config,
    /// Customers.
    pub profiles: rapport_profiles::Config,
    /// The interaction log.
    pub interactions: rapport_interactions::Config,
    /// Tickets, work items, agents, queues.
    pub routing: rapport_routing::Config,
    /// Programmes and points.
    pub loyalty: rapport_loyalty::Config,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            roles: Role::ALL.to_vec(),
            threads: 0,
            data_dir: PathBuf::from("rapport-data"),
            service: ListenConfig::default(),
            databases: Databases::default(),
            neighbours: NeighbourUrls::default(),
            keys: Keys::default(),
            telemetry: TelemetryConfig::default(),
            admin: AdminConfig::default(),
            drain: DrainConfig::default(),
            gateway: rapport_gateway::Config::default(),
            profiles: rapport_profiles::Config::default(),
            interactions: rapport_interactions::Config::default(),
            routing: rapport_routing::Config::default(),
            loyalty: rapport_loyalty::Config::default(),
        }
    }
}

/// One database for each part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Databases {
    /// Tenants.
    pub gateway: DatabaseConfig,
    /// Customers.
    pub profiles: DatabaseConfig,
    /// The interaction log.
    pub interactions: DatabaseConfig,
    /// Tickets, work items, agents, queues.
    pub routing: DatabaseConfig,
    /// Programmes and points.
    pub loyalty: DatabaseConfig,
}

/// Where services are, as `http://host:port` or `https://host:port`: one URL for each replica, or one whose host
/// resolves to all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NeighbourUrls {
    /// Customers.
    pub profiles: Urls,
    /// The interaction log.
    pub interactions: Urls,
    /// Tickets, work items, agents, queues.
    pub routing: Urls,
    /// Programmes and points.
    pub loyalty: Urls,
    /// PEM of the authority that signed the neighbours' certificates, for `https`. Read again when it changes, like
    /// the certificate and the key.
    pub ca_file: Option<PathBuf>,
    /// PEM of the certificate this process shows to its neighbours.
    pub certificate_file: Option<PathBuf>,
    /// PEM of its private key.
    pub key_file: Option<PathBuf>,
    /// How calls are spread over the replicas of a service, and when one of them is left alone.
    pub pool: PoolConfig,
}

/// One URL, several with commas, or a list of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Given")]
pub struct Urls(Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Given {
    One(String),
    Several(Vec<String>),
}

impl From<Given> for Urls {
    fn from(given: Given) -> Self {
        let texts = match given {
            Given::One(text) => vec![text],
            Given::Several(texts) => texts,
        };
        let urls = texts.iter().flat_map(|text| text.split(','));
        let urls = urls.map(str::trim).filter(|url| !url.is_empty());
        Urls(urls.map(str::to_owned).collect())
    }
}

/// Keys of a part that runs apart; `rapport keys DIR` makes them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    /// What this part signs its calls with: `DIR/private/<principal>.pem`.
    pub signing_key_file: Option<PathBuf>,
    /// Whose signatures it believes: `DIR/public`.
    pub trusted_keys_dir: Option<PathBuf>,
    /// What seals personal data; the same file for every replica. Losing it loses the data.
    pub master_key_file: Option<PathBuf>,
}

impl Config {
    /// Reads the configuration from a file, the environment of this process and flags. Whether the settings go
    /// together is another question: [`Config::check`].
    ///
    /// # Errors
    /// All faults of all sources.
    pub fn read(file: Option<&Path>, flags: Vec<(String, String)>) -> Result<Config, ConfigFaults> {
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            let setting = !NO_SETTINGS.contains(&name.as_str());
            setting.then_some((name, value.into_string().unwrap_or_default()))
        });
        load(file, variables, flags)
    }

    /// Whether the settings go together.
    ///
    /// # Errors
    /// Everything that does not.
    pub fn check(&self) -> Result<(), ConfigFaults> {
        let mut faults = Vec::new();
        let mut fault = |key: String, problem: &str| {
            faults.push(Fault {
                source: Source::Combination,
                key,
                problem: problem.to_owned(),
            });
        };
        if self.threads > MOST_THREADS {
            fault("threads".into(), "no more than 1,024");
        }
        if self.roles.is_empty() {
            fault("roles".into(), "a process plays at least one part");
        }
        for role in Role::SERVICES {
            let needed = self
                .roles
                .iter()
                .any(|player| needs(*player).contains(&role));
            if needed && !self.plays(role) && self.neighbours.urls(role).is_empty() {
                fault(
                    format!("neighbours.{role}"),
                    "the part is not in this process, so its address is needed",
                );
            }
        }
        for role in &self.roles {
            let database = self.database(*role);
            if database.engine().is_err() {
                fault(
                    format!("databases.{role}.url"),
                    "begins with neither `sqlite:` nor `postgres://`",
                );
            } else if database.sqlite_path().is_none() && database.system_url.is_empty() {
                fault(
                    format!("databases.{role}.system_url"),
                    "PostgreSQL needs it",
                );
            }
        }
        let own = &self.routing.advertise;
        let usable = |url: &str| url.starts_with("http://") || url.starts_with("https://");
        if !own.is_empty() && !usable(own) {
            fault(
                "routing.advertise".into(),
                "begins with neither `http://` nor `https://`",
            );
        }
        let media = &self.interactions.media;
        let bucket = media.place == rapport_interactions::Place::S3;
        if bucket && self.plays(Role::Interactions) && media.s3.bucket.is_empty() {
            let key = "interactions.media.s3.bucket";
            fault(key.into(), "files are to be kept in a bucket: name it");
        }
        if !self.is_embedded() {
            for (key, set) in [
                (
                    "keys.signing_key_file",
                    self.keys.signing_key_file.is_some(),
                ),
                (
                    "keys.trusted_keys_dir",
                    self.keys.trusted_keys_dir.is_some(),
                ),
                ("keys.master_key_file", self.keys.master_key_file.is_some()),
            ] {
                if !set {
                    fault(
                        key.into(),
                        "a part that runs apart needs it; `rapport keys DIR` makes the keys",
                    );
                }
            }
            if self.roles.len() > 1 {
                fault("roles".into(), "one process plays one part or all of them");
            }
        }
        match faults.is_empty() {
            true => Ok(()),
            false => Err(ConfigFaults(faults)),
        }
    }

    /// The threads of the process's own runtime; none: one for each core. A gateway that runs apart answers on threads of
    /// its own, and what goes on beside the calls needs but one.
    pub fn threads(&self) -> Option<usize> {
        match self.gateway_threads() {
            0 => (self.threads > 0).then_some(self.threads),
            _ => Some(1),
        }
    }

    /// The threads that belong to the gateway alone.
    pub fn gateway_threads(&self) -> usize {
        match (self.roles.as_slice(), self.threads) {
            ([Role::Gateway], 0) => {
                std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
            }
            ([Role::Gateway], threads) => threads,
            _ => 0,
        }
    }

    /// Whether this process plays a part.
    pub fn plays(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether the whole suite is in this process.
    pub fn is_embedded(&self) -> bool {
        Role::ALL.iter().all(|role| self.plays(*role))
    }

    /// Where a part keeps its data.
    pub fn database(&self, role: Role) -> DatabaseConfig {
        let database = match role {
            Role::Gateway => &self.databases.gateway,
            Role::Profiles => &self.databases.profiles,
            Role::Interactions => &self.databases.interactions,
            Role::Routing => &self.databases.routing,
            Role::Loyalty => &self.databases.loyalty,
        };
        let mut database = database.clone();
        if database.url.is_empty() {
            database.url = DatabaseConfig::sqlite(self.data_dir.join(format!("{role}.db"))).url;
        }
        database
    }
}

/// Whom a part calls or whose log it follows.
fn needs(role: Role) -> &'static [Role] {
    match role {
        Role::Gateway => &Role::SERVICES,
        Role::Profiles => &[],
        Role::Interactions => &[Role::Profiles, Role::Routing, Role::Loyalty],
        Role::Routing | Role::Loyalty => &[Role::Profiles, Role::Interactions],
    }
}

impl NeighbourUrls {
    /// Where the replicas of a service are; empty when nothing says so.
    pub fn urls(&self, role: Role) -> &[String] {
        match role {
            Role::Gateway => &[],
            Role::Profiles => &self.profiles.0,
            Role::Interactions => &self.interactions.0,
            Role::Routing => &self.routing.0,
            Role::Loyalty => &self.loyalty.0,
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn flags(pairs: &[(&str, &str)]) -> Result<Config, ConfigFaults> {
        let flags = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let config: Config = load(None, [], flags.collect())?;
        config.check().map(|()| config)
    }

    #[test]
    fn the_default_is_the_whole_suite_on_sqlite() {
        let config = flags(&[("data_dir", "/var/lib/x")]).unwrap();
        assert!(config.is_embedded());
        let path = config.database(Role::Routing).sqlite_path();
        assert_eq!(path, Some(PathBuf::from("/var/lib/x/routing.db")));
    }

    #[test]
    fn threads_are_one_for_each_core_unless_told_otherwise() {
        let config = |threads| Config {
            threads,
            ..Config::default()
        };
        assert_eq!(config(0).threads(), None);
        assert_eq!(config(4).threads(), Some(4));
        assert_eq!(config(4).gateway_threads(), 0);
        let apart = Config {
            roles: vec![Role::Gateway],
            ..config(4)
        };
        assert_eq!((apart.threads(), apart.gateway_threads()), (Some(1), 4));
        assert!(config(MOST_THREADS).check().is_ok());
        assert!(config(MOST_THREADS + 1).check().is_err());
    }

    #[test]
    fn a_part_that_runs_apart_is_told_everything_it_lacks_at_once() {
        let ConfigFaults(faults) = flags(&[("roles", "loyalty")]).unwrap_err();
        let keys: Vec<&str> = faults.iter().map(|fault| fault.key.as_str()).collect();
        assert_eq!(
            keys,
            [
                "neighbours.profiles",
                "neighbours.interactions",
                "keys.signing_key_file",
                "keys.trusted_keys_dir",
                "keys.master_key_file"
            ]
        );
    }

    #[test]
    fn a_bucket_for_files_has_a_name() {
        let s3 = ("interactions.media.place", "s3");
        let ConfigFaults(faults) = flags(&[s3]).unwrap_err();
        assert_eq!(faults[0].key, "interactions.media.s3.bucket");
        assert!(flags(&[s3, ("interactions.media.s3.bucket", "files")]).is_ok());
    }

    #[test]
    fn a_neighbour_is_one_url_or_several() {
        let urls = |text: &str| {
            let config: Config =
                load(None, [], vec![("neighbours.profiles".into(), text.into())]).unwrap();
            config.neighbours.urls(Role::Profiles).to_vec()
        };
        assert_eq!(urls("http://a:1"), ["http://a:1"]);
        let two = ["http://a:1", "http://b:2"];
        assert_eq!(urls("http://a:1, http://b:2"), two);
        let listed: Urls = serde_json::from_value(serde_json::json!(two)).unwrap();
        assert_eq!(listed.0, two);
        assert!(urls("").is_empty());
    }

    #[test]
    fn the_documented_configuration_is_the_default_and_names_every_setting() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/rapport.toml");
        let documented: Config = load(Some(Path::new(path)), [], Vec::new()).unwrap();
        assert_eq!(documented, Config::default());
        let text = std::fs::read_to_string(path).unwrap();
        let mut missing = Vec::new();
        let tree = serde_json::to_value(Config::default()).unwrap();
        unnamed(&tree, &mut Vec::new(), &text, &mut missing);
        assert!(
            missing.is_empty(),
            "deploy/rapport.toml does not name {missing:?}"
        );
    }

    /// Keys of the tree that the text does not mention, set or commented out.
    fn unnamed(
        tree: &serde_json::Value,
        path: &mut Vec<String>,
        text: &str,
        missing: &mut Vec<String>,
    ) {
        let serde_json::Value::Object(table) = tree else {
            return;
        };
        for (key, value) in table {
            path.push(key.clone());
            let section = format!("[{}]", path[..path.len() - 1].join("."));
            let within = match path.len() {
                1 => text,
                _ => text.split_once(&section).map_or("", |(_, rest)| rest),
            };
            let within = within.split("\n[").next().unwrap_or_default();
            let named = within.lines().any(|line| {
                let line = line.trim_start_matches(['#', ' ']);
                line.strip_prefix(key.as_str())
                    .is_some_and(|rest| rest.trim_start().starts_with('='))
            });
            if named {
                // With all that is in it, when it is a table in one line.
                path.pop();
                continue;
            }
            if !value.is_object() {
                missing.push(path.join("."));
            }
            unnamed(value, path, text, missing);
            path.pop();
        }
    }
}
