//! What the processes of a run stand on: a directory with keys and an issuer, and their configuration.

use std::path::Path;

use rapport_foundation::context::KeySet;
use rapport_foundation::role::Role;
use rapport_foundation::seal::Keyring;
use tempfile::TempDir;

use super::issuer::{AUDIENCE, ISSUER, Issuer};
use super::stage::path_text;
use crate::error::Error;

/// A directory with keys and an issuer.
pub(super) fn prepared() -> Result<(TempDir, Issuer), Error> {
    let dir = TempDir::new().map_err(|source| io("a directory for the run", source))?;
    let issuer = Issuer::new()?;
    issuer.write(dir.path())?;
    KeySet::ephemeral()?.write_dir(dir.path())?;
    Keyring::read_or_create(&dir.path().join("master.key"))?;
    Ok((dir, issuer))
}

/// What a part in a process of its own needs. Each keeps its own data.
pub(super) fn common(dir: &Path, role: Role) -> String {
    let at = |name: &str| path_text(&dir.join(name));
    format!(
        "data_dir = \"{}\"\n[keys]\nsigning_key_file = \"{}\"\ntrusted_keys_dir = \"{}\"\nmaster_key_file = \"{}\"\n",
        at(&format!("data-{role}")),
        at(&format!("private/{}.pem", role.service_principal())),
        at("public"),
        at("master.key"),
    )
}

/// The gateway, with quotas beyond what is measured for these (`tenant`, `staff`, …).
pub(super) fn public(dir: &Path, whose: &[&str]) -> String {
    const NO_END: &str = "{ calls_per_second = 1000000, burst = 1000000 }";
    let quotas: String = whose
        .iter()
        .map(|whose| {
            format!(
                "[gateway.quotas.{whose}]\nread = {NO_END}\nwrite = {NO_END}\nstream = {NO_END}\n\
                 concurrent_calls = 1000000\nconcurrent_streams = 1000000\n"
            )
        })
        .collect();
    format!(
        "[gateway.listen]\naddress = \"127.0.0.1:0\"\n[gateway.auth]\n\
         issuers = [{{ issuer = \"{ISSUER}\", audiences = [\"{AUDIENCE}\"], jwks_file = \"{}\" }}]\n{quotas}",
        path_text(&dir.join("jwks.json"))
    )
}

pub(super) fn write(path: &Path, text: &str) -> Result<(), Error> {
    std::fs::write(path, text).map_err(|source| io(&path.display().to_string(), source))
}

pub(super) fn io(what: &str, source: std::io::Error) -> Error {
    Error::Io {
        what: what.to_owned(),
        source,
    }
}
