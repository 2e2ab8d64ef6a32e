//! `rapport migrate`

use clap::Args;
use rapport_foundation::db;

use super::{Ended, Settings, say};
use crate::assembly::migrations;
use crate::error::Error;

#[derive(Debug, Args)]
pub(super) struct Migrate {
    #[command(flatten)]
    settings: Settings,
    /// First makes the PostgreSQL databases and logins that the configuration names
    #[arg(long, requires = "admin_url")]
    create: bool,
    /// A login that may make databases and roles, postgres://…
    #[arg(long, value_name = "URL", requires = "create")]
    admin_url: Option<String>,
}

impl Migrate {
    pub(super) async fn run(self) -> Result<Ended, Error> {
        // What a part needs to serve, such as its neighbours, is nothing to its database.
        let config = self.settings.read_unchecked()?;
        for role in config.roles.clone() {
            let place = config.database(role);
            let failed = |source| Error::Database { role, source };
            if let Some(admin) = self.admin_url.as_deref()
                && place.sqlite_path().is_none()
            {
                db::provision(admin, &place).await.map_err(failed)?;
            }
            let applied = db::migrate(&place, role, migrations(role))
                .await
                .map_err(failed)?;
            match applied.len() {
                0 => say(&format!("{role}: up to date")),
                _ => say(&format!("{role}: {}", applied.join(", "))),
            }
        }
        Ok(Ended::Well)
    }
}
