//! `rapport verify`

use clap::Args;
use rapport_foundation::db::Database;

use super::{Ended, Settings, say};
use crate::assembly::verify;
use crate::error::Error;

#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    settings: Settings,
}

impl Verify {
    pub(super) async fn run(self) -> Result<Ended, Error> {
        let config = self.settings.read_unchecked()?;
        let mut breaches = 0;
        for role in config.roles.clone() {
            let failed = |source| Error::Database { role, source };
            let place = config.database(role);
            if place.sqlite_path().is_some_and(|path| !path.exists()) {
                return Err(Error::Usage(format!(
                    "{role} has no database at {}",
                    place.url
                )));
            }
            let database = Database::open(&place, role).await.map_err(failed)?;
            let found = verify(&config, &database).await;
            database.close().await;
            let found = found?;
            match found.as_slice() {
                [] => say(&format!("{role}: everything holds")),
                found => found
                    .iter()
                    .for_each(|breach| say(&format!("{role}: {breach}"))),
            }
            breaches += found.len();
        }
        match breaches {
            0 => Ok(Ended::Well),
            count => Err(Error::Breaches(count)),
        }
    }
}
