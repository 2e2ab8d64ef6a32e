//! `rapport api-key`: keys of connectors and systems, straight on the gateway's database. A gateway that runs beside it knows
//! of them within its `tenant_refresh_ms`. Like calls, they stand in the audit trail.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use rapport_foundation::db::{self, Database};
use rapport_foundation::id::{ApiKeyId, TenantId};
use rapport_foundation::page::PageTokens;
use rapport_foundation::role::Role;
use rapport_foundation::time::{Clock, Micros};
use rapport_gateway::Console;
use rapport_gateway::console::asked;
use rapport_proto::access::v1::api_key_service_server::ApiKeyService;
use rapport_proto::access::v1::{
    ApiKey as Key, ApiKeyKind, CreateApiKeyRequest, ListApiKeysRequest, RevokeApiKeyRequest,
    RotateApiKeyRequest,
};
use uuid::Uuid;

use super::token::seconds;
use super::{Ended, Settings, key_value, say};
use crate::assembly::migrations;
use crate::config::Config;
use crate::error::Error;

#[derive(Debug, Subcommand)]
pub(super) enum ApiKey {
    /// Makes a key and prints it, once
    Create(Create),
    /// Lists the keys of a tenant
    List(Of),
    /// Gives a key a new secret and prints it, once
    Rotate(Rotate),
    /// Ends a key for ever
    Revoke(Revoke),
}

/// Whose keys, and where they are.
#[derive(Debug, Args)]
pub(super) struct Of {
    // Not all of `Settings`: its roles are parts of the suite, and a key has roles of another sort.
    /// The configuration file (TOML)
    #[arg(long, value_name = "FILE", env = "RAPPORT_CONFIG")]
    config: Option<PathBuf>,
    /// Where an embedded suite keeps its data
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Any setting by its name, such as databases.gateway.url=…; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    set: Vec<(String, String)>,
    /// The tenant, ten_…
    #[arg(long)]
    tenant: TenantId,
}

#[derive(Debug, Args)]
#[group(id = "holder", required = true, args = ["connector", "system"])]
pub(super) struct Create {
    #[command(flatten)]
    of: Of,
    /// What it is for
    #[arg(long)]
    name: String,
    /// For the connector of this name
    #[arg(long, value_name = "NAME")]
    connector: Option<String>,
    /// For another system
    #[arg(long)]
    system: bool,
    /// A right such as interactions.record; may be repeated
    #[arg(long)]
    scope: Vec<String>,
    /// A role such as connector; may be repeated
    #[arg(long)]
    role: Vec<String>,
    /// How long it is good for, such as 90d; as long as `gateway.access.key_days` when not given
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    expires: Option<u32>,
    /// Prints the key and nothing else
    #[arg(long)]
    quiet: bool,
}

#[derive(Debug, Args)]
pub(super) struct Rotate {
    /// The key, key_…
    id: ApiKeyId,
    #[command(flatten)]
    of: Of,
    /// How long the secret before is still accepted, such as 12h, up to 7d
    #[arg(long, value_name = "TIME", default_value = "1d", value_parser = seconds, conflicts_with = "at_once")]
    overlap: u32,
    /// The secret before ends at once
    #[arg(long)]
    at_once: bool,
    /// Prints the key and nothing else
    #[arg(long)]
    quiet: bool,
}

#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// The key, key_…
    id: ApiKeyId,
    #[command(flatten)]
    of: Of,
}

impl ApiKey {
    pub(super) async fn run(self) -> Result<Ended, Error> {
        let of = match &self {
            ApiKey::Create(command) => &command.of,
            ApiKey::List(of) => of,
            ApiKey::Rotate(command) => &command.of,
            ApiKey::Revoke(command) => &command.of,
        };
        let database = of.open().await?;
        let done = match of.console(&database).await {
            Ok(console) => {
                let done = self.run_at(&console).await;
                // What was done is in the audit trail before anybody is told that it is done.
                console.close().await;
                done
            }
            Err(error) => Err(error),
        };
        database.close().await;
        done?.iter().for_each(|line| say(line));
        Ok(Ended::Well)
    }

    /// Does it, and gives the lines that tell of it.
    async fn run_at(&self, console: &Console) -> Result<Vec<String>, Error> {
        match self {
            ApiKey::Create(command) => command.run(console).await,
            ApiKey::List(of) => of.list(console).await,
            ApiKey::Rotate(command) => command.run(console).await,
            ApiKey::Revoke(command) => command.run(console).await,
        }
    }
}

impl Of {
    fn config(&self) -> Result<Config, Error> {
        let settings = Settings {
            config: self.config.clone(),
            data_dir: self.data_dir.clone(),
            role: Vec::new(),
            set: self.set.clone(),
        };
        settings.read_unchecked()
    }

    async fn open(&self) -> Result<Database, Error> {
        let role = Role::Gateway;
        let place = self.config()?.database(role);
        let failed = |source| Error::Database { role, source };
        if place.sqlite_path().is_some_and(|path| !path.exists()) {
            return Err(Error::Usage(format!(
                "{role} has no database at {}",
                place.url
            )));
        }
        let pending = db::pending(&place, role, &migrations(role))
            .await
            .map_err(failed)?;
        if !pending.is_empty() {
            let count = pending.len();
            return Err(Error::Unmigrated { role, count });
        }
        Database::open(&place, role).await.map_err(failed)
    }

    async fn console(&self, database: &Database) -> Result<Console, Error> {
        let config = self.config()?.gateway;
        // Page tokens never leave this process.
        let mut key = [0; 32];
        aws_lc_rs::rand::fill(&mut key).map_err(|error| Error::Token(error.to_string()))?;
        let tokens = PageTokens::new(&key);
        let console = Console::open(database.clone(), Clock::system(), tokens, &config);
        console.await.map_err(|error| Error::Open {
            role: Role::Gateway,
            message: error.to_string(),
        })
    }

    async fn list(&self, console: &Console) -> Result<Vec<String>, Error> {
        let mut lines = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = ListApiKeysRequest {
                tenant_id: self.tenant.to_string(),
                page_size: 1000,
                page_token,
            };
            let page = console.list_api_keys(asked(request)).await?.into_inner();
            lines.extend(page.api_keys.iter().map(line));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(lines);
            }
        }
    }
}

impl Create {
    async fn run(&self, console: &Console) -> Result<Vec<String>, Error> {
        let kind = match self.system {
            true => ApiKeyKind::System,
            false => ApiKeyKind::Connector,
        };
        let end = |span: u32| Clock::system().now() + std::time::Duration::from_secs(span.into());
        let request = CreateApiKeyRequest {
            request_id: Uuid::now_v7().to_string(),
            tenant_id: self.of.tenant.to_string(),
            display_name: self.name.clone(),
            kind: kind.into(),
            connector: self.connector.clone().unwrap_or_default(),
            scopes: self.scope.clone(),
            roles: self.role.clone(),
            expire_time: self.expires.map(|span| end(span).into()),
        };
        let made = console.create_api_key(asked(request)).await?.into_inner();
        Ok(told(made.api_key.as_ref(), made.secret, self.quiet))
    }
}

impl Rotate {
    async fn run(&self, console: &Console) -> Result<Vec<String>, Error> {
        let seconds = if self.at_once { 0 } else { self.overlap.into() };
        let request = RotateApiKeyRequest {
            request_id: Uuid::now_v7().to_string(),
            api_key_id: self.id.to_string(),
            tenant_id: self.of.tenant.to_string(),
            overlap: Some(prost_types::Duration { seconds, nanos: 0 }),
            etag: String::new(),
        };
        let made = console.rotate_api_key(asked(request)).await?.into_inner();
        Ok(told(made.api_key.as_ref(), made.secret, self.quiet))
    }
}

impl Revoke {
    async fn run(&self, console: &Console) -> Result<Vec<String>, Error> {
        let request = RevokeApiKeyRequest {
            request_id: Uuid::now_v7().to_string(),
            api_key_id: self.id.to_string(),
            tenant_id: self.of.tenant.to_string(),
        };
        let ended = console.revoke_api_key(asked(request)).await?.into_inner();
        Ok(ended.api_key.iter().map(line).collect())
    }
}

/// The secret, alone or with what it is; it is kept nowhere.
fn told(key: Option<&Key>, secret: String, quiet: bool) -> Vec<String> {
    let key = key.filter(|_| !quiet).map(line);
    key.into_iter().chain([secret]).collect()
}

fn line(key: &Key) -> String {
    let now = Clock::system().now();
    let over = |time: &Option<prost_types::Timestamp>| {
        time.as_ref().is_some_and(|time| Micros::from(time) <= now)
    };
    let state = match (over(&key.revoke_time), over(&key.expire_time)) {
        (true, _) => "revoked",
        (false, true) => "over",
        (false, false) => "live",
    };
    let holder = match key.kind() {
        ApiKeyKind::Connector => format!("connector {}", key.connector),
        ApiKeyKind::System | ApiKeyKind::Unspecified => "system".to_owned(),
    };
    let rights = [key.scopes.join(" "), key.roles.join(" ")];
    let rights = rights.join(" ");
    format!(
        "{}  {}  {state}  {holder}  {}  {}",
        key.id,
        key.prefix,
        rights.trim(),
        key.display_name
    )
}
