//! How a suite is laid out: its processes, where they listen, and where each keeps its data.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use rapport_foundation::{
    cluster::Cluster,
    testing::{self, engines},
};

/// The roles, the gateway last: what it calls is there before it is.
pub(crate) const ROLES: [&str; 5] = ["profiles", "interactions", "routing", "loyalty", "gateway"];

/// How the suite is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topology {
    /// One process.
    Embedded,
    /// One process a role.
    Split,
    /// Two processes a role.
    Replicated,
    /// One process a role, and two of routing with ways to and from them that can be cut.
    Owners,
}

/// The name of a process: `profiles`, and `profiles-2` for the second of the role.
pub(crate) fn member(role: &str, replica: usize) -> String {
    match replica {
        0 => role.to_owned(),
        _ => format!("{role}-{}", replica + 1),
    }
}

/// Where the suite keeps its data.
#[derive(Debug, Clone)]
pub struct Database(pub(crate) Engine);

#[derive(Debug, Clone)]
pub(crate) enum Engine {
    Sqlite,
    Postgres { admin_url: String, prefix: String },
}

impl Database {
    /// Files in the suite's own folder.
    pub fn sqlite() -> Self {
        Self(Engine::Sqlite)
    }

    /// Fresh databases on the PostgreSQL of the tests.
    ///
    /// # Errors
    /// When there is none.
    pub fn postgres() -> Result<Self, String> {
        let admin_url = engines().into_iter().find_map(|engine| match engine {
            testing::Engine::Postgres { admin_url } => Some(admin_url),
            testing::Engine::Sqlite => None,
        });
        let admin_url = admin_url.ok_or("there is no PostgreSQL to test with")?;
        Ok(Self::at(admin_url))
    }

    /// Fresh databases on a server of the test's own.
    pub fn on(cluster: &Cluster) -> Self {
        Self::at(format!(
            "postgres://postgres@127.0.0.1:{}/postgres",
            cluster.port()
        ))
    }

    fn at(admin_url: String) -> Self {
        let prefix = format!("rapport_e2e_{}", uuid::Uuid::now_v7().simple());
        Self(Engine::Postgres { admin_url, prefix })
    }
}

/// How many processes a role has.
pub(crate) fn replicas(topology: Topology, role: &str) -> usize {
    match topology {
        Topology::Embedded | Topology::Split => 1,
        Topology::Replicated => 2,
        Topology::Owners => 1 + usize::from(role == "routing"),
    }
}

/// Every process of a suite that is not one process: its role, and which of the role it is.
pub(crate) fn processes(topology: Topology) -> impl Iterator<Item = (&'static str, usize)> {
    let replicas = move |role| (0..replicas(topology, role)).map(move |n| (role, n));
    ROLES.into_iter().flat_map(replicas)
}

/// Addresses of the processes of each role.
pub(crate) type Places = BTreeMap<&'static str, Vec<String>>;

/// What one process of a role is told: where it listens, and where it and the others are found.
pub(crate) fn split(
    role: &str,
    replica: usize,
    keys: &Path,
    listening: &Places,
    found: &Places,
) -> String {
    let principal = if role == "gateway" {
        "gateway".to_owned()
    } else {
        format!("svc_{role}")
    };
    let mut text = format!(
        "[service]\naddress = {:?}\n[keys]\nsigning_key_file = {:?}\ntrusted_keys_dir = {:?}\nmaster_key_file = {:?}\n[neighbours]\n",
        listening[role][replica],
        keys.join(format!("private/{principal}.pem")),
        keys.join("public"),
        keys.join("master.key"),
    );
    for (name, addresses) in found.iter().filter(|(name, _)| **name != "gateway") {
        let urls = addresses.iter().map(|address| format!("http://{address}"));
        text += &format!("{name} = {:?}\n", urls.collect::<Vec<_>>());
    }
    if role == "routing" {
        text += &format!(
            "[routing]\nadvertise = \"http://{}\"\n",
            found[role][replica]
        );
    }
    text
}

/// Where a role's database is; the way to it, when that is not its own address.
pub(crate) fn database(engine: &Engine, role: &str, way: Option<SocketAddr>) -> String {
    let Engine::Postgres { admin_url, prefix } = engine else {
        return String::new();
    };
    let host = way.map_or_else(|| server(admin_url).to_owned(), |way| way.to_string());
    let login =
        |kind: &str| format!("postgres://{prefix}_{role}_{kind}:tests@{host}/{prefix}_{role}");
    format!(
        "[databases.{role}]\nurl = {:?}\nsystem_url = {:?}\nowner_url = {:?}\n",
        login("app"),
        login("system"),
        login("owner"),
    )
}

/// Host and port of a server.
pub(crate) fn server(admin_url: &str) -> &str {
    let server = admin_url
        .rsplit_once('@')
        .map_or("127.0.0.1:5432", |(_, rest)| rest);
    server.split('/').next().unwrap_or(server)
}

/// Where an embedded suite keeps a service's file.
pub(crate) fn sqlite_file(folder: &Path, role: &str) -> PathBuf {
    folder.join("data").join(format!("{role}.db"))
}
