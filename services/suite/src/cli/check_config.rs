//! `rapport check-config`

use clap::Args;
use rapport_foundation::config::redacted;

use super::{Ended, Settings, say};
use crate::error::Error;

#[derive(Debug, Args)]
pub(super) struct CheckConfig {
    #[command(flatten)]
    settings: Settings,
}

impl CheckConfig {
    pub(super) fn run(self) -> Result<Ended, Error> {
        let config = self.settings.read(Vec::new())?;
        say(redacted(&config).trim_end());
        Ok(Ended::Well)
    }
}
