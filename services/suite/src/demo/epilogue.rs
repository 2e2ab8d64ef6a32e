//! What the reader can do with the suite that was left serving.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::story::say;
use crate::embed::Suite;
use crate::error::Error;

/// Prints a token and three commands that work as they stand.
pub(super) fn print(suite: &Suite, manager_token: &str, dir: &Path) -> Result<(), Error> {
    let file = dir.join("manager.token");
    write_private(&file, manager_token).map_err(|source| Error::Io {
        what: file.display().to_string(),
        source,
    })?;
    let rapport = program();
    let target = format!("--gateway {} --token-file {}", suite.url(), file.display());
    say(&format!(
        "\na manager's token, good for 8 hours (also in {}):\n{}",
        file.display(),
        manager_token
    ));
    say("\nto try:");
    say(&format!(
        "{rapport} call InteractionService/ListInteractions '{{\"page_size\": 3}}' {target}"
    ));
    say(&format!(
        "{rapport} call QueueService/ListQueues '{{}}' {target}"
    ));
    say(&format!("{rapport} verify --data-dir {}", dir.display()));
    Ok(())
}

/// How this program was called.
fn program() -> String {
    if std::env::var_os("CARGO").is_some() {
        return "cargo run -q --".into();
    }
    let path = std::env::current_exe().ok();
    path.map_or_else(|| "rapport".into(), |path| path.display().to_string())
}

fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file)?
        .write_all(text.as_bytes())
}
