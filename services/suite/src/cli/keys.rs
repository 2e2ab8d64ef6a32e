//! `rapport keys DIR`

use std::path::PathBuf;

use clap::Args;
use rapport_foundation::context::KeySet;
use rapport_foundation::seal::Keyring;

use super::{Ended, say};
use crate::error::Error;

#[derive(Debug, Args)]
pub(super) struct Keys {
    /// Gets `private/<principal>.pem`, `public/<principal>.pem` for each part, and `master.key`
    dir: PathBuf,
}

impl Keys {
    pub(super) fn run(self) -> Result<Ended, Error> {
        let private = self.dir.join("private");
        if private.exists() {
            let text = format!(
                "{} is there already: keys in use are not overwritten",
                private.display()
            );
            return Err(Error::Usage(text));
        }
        KeySet::ephemeral()?.write_dir(&self.dir)?;
        let master = self.dir.join("master.key");
        Keyring::read_or_create(&master)?;
        say(&format!(
            "private keys, one for each part: {}",
            private.display()
        ));
        say(&format!(
            "public keys, for every part:     {}",
            self.dir.join("public").display()
        ));
        say(&format!(
            "master key, for every service:   {}",
            master.display()
        ));
        Ok(Ended::Well)
    }
}
