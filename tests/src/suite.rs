//! A running suite: the real binary, embedded in one process or split into one a role.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::json;
use tempfile::TempDir;

use crate::{
    credentials::{AUDIENCE, Credentials, ISSUER, Who},
    import::Import,
    layout::{self, Database, Engine, Places, ROLES, Topology, member, processes, replicas},
    ports::free_address,
    process::{self, Process},
    rows::{self, StoredOffer},
    ways::Ways,
    wire::Client,
};

pub use crate::process::binary;

/// A suite, ended when it is dropped.
#[derive(Debug)]
pub struct Suite {
    folder: TempDir,
    topology: Topology,
    engine: Engine,
    credentials: Credentials,
    gateways: Vec<String>,
    tenant: String,
    processes: Vec<(String, Process)>,
    ways: BTreeMap<String, Ways>,
}

impl Suite {
    /// Starts a suite with fresh credentials and a tenant of its own.
    pub async fn fresh(topology: Topology, database: Database) -> Self {
        Self::start(topology, database, Credentials::new()).await
    }

    /// Starts a suite that believes these credentials, with a tenant of its own.
    pub async fn start(topology: Topology, database: Database, credentials: Credentials) -> Self {
        Self::launch(topology, database, credentials, None).await
    }

    /// Starts a suite that sends every trace to a receiver.
    pub async fn traced(topology: Topology, database: Database, receiver: SocketAddr) -> Self {
        Self::launch(topology, database, Credentials::new(), Some(receiver)).await
    }

    async fn launch(
        topology: Topology,
        database: Database,
        credentials: Credentials,
        receiver: Option<SocketAddr>,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a writable temporary folder");
        let gateways = (0..replicas(topology, "gateway"))
            .map(|_| free_address())
            .collect();
        let mut suite = Self {
            folder,
            topology,
            engine: database.0,
            credentials,
            gateways,
            tenant: String::new(),
            processes: Vec::new(),
            ways: BTreeMap::new(),
        };
        suite.configure(receiver).await;
        suite.spawn().await;
        suite.tenant = suite.create_tenant("Tests").await;
        suite
    }

    /// Address of the gateway, `host:port`.
    pub fn gateway(&self) -> &str {
        &self.gateways[0]
    }

    /// Addresses of all gateways.
    pub fn gateways(&self) -> &[String] {
        &self.gateways
    }

    /// The tenant of the test, `ten_…`.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The identity provider.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// A caller without a credential.
    pub fn stranger(&self) -> Client {
        Client::new(self.gateway())
    }

    /// A supervisor of the tenant.
    pub fn supervisor(&self) -> Client {
        self.stranger().with_token(self.supervisor_token())
    }

    /// A supervisor's token.
    pub fn supervisor_token(&self) -> String {
        self.token_of(&["supervisor"], &[], None)
    }

    /// A manager of the tenant.
    pub fn manager(&self) -> Client {
        self.stranger().with_token(self.manager_token())
    }

    /// A manager's token.
    pub fn manager_token(&self) -> String {
        self.token_of(&["manager"], &[], None)
    }

    /// A connector of the tenant.
    pub fn connector(&self, name: &str) -> Client {
        self.stranger().with_token(self.connector_token(name))
    }

    /// A connector's token.
    pub fn connector_token(&self, name: &str) -> String {
        self.token_of(&["connector"], &[], Some(name))
    }

    /// A principal of the tenant with these scopes and no role.
    pub fn client_with_scopes(&self, scopes: &[&str]) -> Client {
        self.stranger().with_token(self.token_of(&[], scopes, None))
    }

    /// Somebody of the tenant whom every policy lets in.
    pub fn who_may_do_everything(&self) -> Who {
        // Not a connector: what a connector's name vouches for, no other role may.
        let roles = ["supervisor", "manager", "analyst", "operator"];
        Who {
            tenant: self.tenant.clone(),
            subject: "everything".to_owned(),
            roles: roles.map(str::to_owned).to_vec(),
            scopes: Vec::new(),
            connector: None,
        }
    }

    /// The same as a client.
    pub fn everything(&self) -> Client {
        self.stranger()
            .with_token(self.credentials.token(&self.who_may_do_everything()))
    }

    /// Somebody whom every policy lets in, of a tenant made for the purpose. No operator: operators
    /// see all tenants.
    pub async fn everything_of_another_tenant(&self) -> Client {
        let mut who = self.who_may_do_everything();
        who.tenant = self.create_tenant("Others").await;
        who.roles.retain(|role| role != "operator");
        who.scopes = crate::scopes()
            .into_iter()
            .filter(|scope| scope != "access.manage")
            .collect();
        self.stranger().with_token(self.credentials.token(&who))
    }

    /// Starts the importer on a file of the incident log.
    pub fn import(&self, file: &Path) -> Import {
        let token = self.connector_token("incident-log");
        Import::start(file, self.gateway(), &token, self.folder.path())
    }

    /// Ends the suite by SIGKILL and starts it again; answers how long it was away.
    pub async fn kill_and_restart(&mut self) -> Duration {
        let killed = Instant::now();
        let processes = self.processes.drain(..);
        processes.for_each(|(_, process)| process.kill());
        self.spawn().await;
        killed.elapsed()
    }

    /// Starts a process, and waits until it serves.
    pub async fn begin(&mut self, member: &str) {
        let mut process = Process::serve(&self.configuration(member));
        process.ready().await;
        self.processes.push((member.to_owned(), process));
    }

    /// Ends a process by SIGKILL.
    pub fn kill(&mut self, member: &str) {
        self.take(member).kill();
    }

    /// Ends a process as an operator would; answers how long it took.
    ///
    /// # Panics
    /// When there is none of that name, or it does not end well.
    pub async fn end(&mut self, member: &str) -> Duration {
        self.take(member).terminate().await
    }

    /// Sends a signal to a process: STOP where it stands, CONT to go on.
    pub fn signal(&self, member: &str, signal: &str) {
        let found = self.processes.iter().find(|(name, _)| name == member);
        found.expect("it runs").1.signal(signal);
    }

    /// The ways of a process that can be cut.
    ///
    /// # Panics
    /// When it has none.
    pub fn ways(&self, member: &str) -> &Ways {
        &self.ways[member]
    }

    /// Which process of routing decides for the tenant, as the database says; none when nobody does.
    pub async fn owner(&self) -> Option<String> {
        let address = rows::owner(&self.engine, &self.tenant).await?;
        let owner = self.ways.iter().find(|(_, ways)| ways.door() == address);
        Some(owner?.0.clone())
    }

    /// Every offer that was stored.
    pub async fn offers(&self) -> BTreeMap<String, StoredOffer> {
        rows::offers(&self.engine).await
    }

    fn take(&mut self, member: &str) -> Process {
        let mut processes = self.processes.iter();
        let at = processes.position(|(name, _)| name == member);
        self.processes.remove(at.expect("it runs")).1
    }

    /// Checks every invariant over the databases.
    ///
    /// # Errors
    /// What `rapport verify` printed, when it found a breach.
    pub async fn verify(&self) -> Result<(), String> {
        process::run(&["verify", "--config", &self.configuration(self.any_role())]).await
    }

    /// Rows of every table of every service, by `service.table`.
    pub async fn row_counts(&self) -> BTreeMap<String, u64> {
        rows::counts(&self.engine, self.folder.path()).await
    }

    /// Resident memory of all processes, in bytes.
    pub fn resident_bytes(&self) -> u64 {
        let processes = self.processes.iter();
        processes.map(|(_, process)| process.resident_bytes()).sum()
    }

    /// Ends the suite as an operator would.
    ///
    /// # Panics
    /// When it does not end well.
    pub async fn stop(mut self) {
        for (_, process) in self.processes.drain(..).rev() {
            process.terminate().await;
        }
    }

    fn token_of(&self, roles: &[&str], scopes: &[&str], connector: Option<&str>) -> String {
        self.credentials.token(&Who {
            tenant: self.tenant.clone(),
            subject: roles.first().copied().unwrap_or("nobody").to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            connector: connector.map(str::to_owned),
        })
    }

    async fn create_tenant(&self, name: &str) -> String {
        let operator = Who {
            subject: "operator".to_owned(),
            roles: vec!["operator".to_owned()],
            ..Who::default()
        };
        let mut claims = BTreeMap::new();
        claims.insert("tenant", serde_json::Value::Null);
        let client = self
            .stranger()
            .with_token(self.credentials.token_with(&operator, &claims));
        let request = json!({"request_id": crate::request_id(), "display_name": name});
        let answer = client
            .call("rapport.access.v1.TenantService/CreateTenant", request)
            .await;
        let answer = answer.expect("an operator creates tenants");
        answer["tenant"]["id"]
            .as_str()
            .expect("a tenant has an id")
            .to_owned()
    }

    async fn spawn(&mut self) {
        for member in self.members() {
            let process = Process::serve(&self.configuration(&member));
            self.processes.push((member, process));
        }
        for (_, process) in &mut self.processes {
            process.ready().await;
        }
    }

    /// The processes that are started at first.
    fn members(&self) -> Vec<String> {
        if self.topology == Topology::Embedded {
            return vec!["suite".to_owned()];
        }
        processes(self.topology)
            .map(|(role, n)| member(role, n))
            .collect()
    }

    fn any_role(&self) -> &'static str {
        // Verification reads all databases: the embedded layout names them all.
        "suite"
    }

    fn configuration(&self, role: &str) -> String {
        self.folder
            .path()
            .join(format!("{role}.toml"))
            .to_string_lossy()
            .into_owned()
    }

    async fn configure(&mut self, receiver: Option<SocketAddr>) {
        let folder = self.folder.path();
        self.credentials.write_jwks(&folder.join("jwks.json"));
        let common = self.common(receiver, 0, None);
        std::fs::write(folder.join("suite.toml"), &common).expect("a writable folder");
        if self.topology != Topology::Embedded {
            let keys = folder.join("keys");
            process::run(&["keys", &keys.to_string_lossy()])
                .await
                .expect("keys");
            let mut listening = Places::new();
            for (role, _) in processes(self.topology) {
                listening.entry(role).or_default().push(free_address());
            }
            let found = self.found(&listening).await;
            for (role, n) in processes(self.topology) {
                let name = member(role, n);
                let way = self.ways.get(&name).map(|ways| ways.database.address());
                let text = format!(
                    "roles = [\"{role}\"]\n{}{}",
                    self.common(receiver, n, way),
                    layout::split(role, n, &keys, &listening, &found)
                );
                std::fs::write(self.configuration(&name), text).expect("a writable folder");
            }
        }
        if let Engine::Postgres { admin_url, .. } = &self.engine {
            let suite = self.configuration("suite");
            let migrate = [
                "migrate",
                "--config",
                &suite,
                "--create",
                "--admin-url",
                admin_url,
            ];
            process::run(&migrate).await.expect("databases");
        }
    }

    /// Where the processes are found that listen there: behind ways that can be cut, where the topology has them.
    async fn found(&mut self, listening: &Places) -> Places {
        let mut found = listening.clone();
        let (Topology::Owners, Engine::Postgres { admin_url, .. }) = (self.topology, &self.engine)
        else {
            return found;
        };
        for (n, place) in found.get_mut("routing").into_iter().flatten().enumerate() {
            let ways = Ways::between(layout::server(admin_url), place).await;
            *place = ways.door.address().to_string();
            self.ways.insert(member("routing", n), ways);
        }
        found
    }

    fn common(
        &self,
        receiver: Option<SocketAddr>,
        replica: usize,
        way: Option<SocketAddr>,
    ) -> String {
        let folder = self.folder.path();
        let mut text = format!("data_dir = {:?}\n", folder.join("data"));
        for role in ROLES {
            text += &layout::database(&self.engine, role, way);
        }
        text += &format!(
            "[gateway.listen]\naddress = {:?}\n\
             [[gateway.auth.issuers]]\nissuer = {ISSUER:?}\naudiences = [{AUDIENCE:?}]\njwks_file = {:?}\n",
            // Of which there may be fewer than of the role that is told.
            self.gateways[replica % self.gateways.len()],
            folder.join("jwks.json"),
        );
        // A day of a whole floor passes in seconds here.
        text += "[gateway.quotas.staff]\n\
                 read = { calls_per_second = 20000, burst = 40000 }\n\
                 write = { calls_per_second = 20000, burst = 40000 }\n\
                 stream = { calls_per_second = 1000, burst = 1000 }\n\
                 concurrent_calls = 4000\nconcurrent_streams = 4000\n";
        if matches!(self.topology, Topology::Replicated | Topology::Owners) {
            // Calls are not shed for how fast a build for tests is, and faults come fast here, one upon the other.
            text += "[drain]\nannounce_ms = 300\n[gateway.overload]\ntarget_ms = 5000\n\
                     [neighbours.pool]\neject_ms = 200\neject_longest_ms = 1000\n";
        }
        match receiver {
            Some(receiver) => {
                text + &format!(
                    "[telemetry]\notlp_endpoint = \"http://{receiver}\"\nsample_ratio = 1.0\n"
                )
            }
            None => text + "[telemetry]\nlog_filter = \"warn\"\n",
        }
    }
}
