//! The importer at work, as a process of its own.

use std::{
    fmt,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

/// An import that runs.
#[derive(Debug)]
pub struct Import {
    child: Child,
}

/// What an import reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Logged by this run.
    pub accepted: u64,
    /// Rows that were not the first of their key.
    pub folded: u64,
    /// Logged before.
    pub duplicate: u64,
    /// Refused, by the reader or by the suite.
    pub rejected: u64,
}

impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            accepted,
            folded,
            duplicate,
            rejected,
        } = self;
        write!(
            f,
            "{accepted} accepted, {folded} folded, {duplicate} duplicate, {rejected} rejected"
        )
    }
}

impl Import {
    /// Starts `rapport import interactions … --live`.
    ///
    /// # Panics
    /// When the binary cannot be started.
    pub fn start(file: &Path, gateway: &str, token: &str, work_dir: &Path) -> Self {
        let map = Path::new(env!("CARGO_MANIFEST_DIR")).join("maps/incident_log.toml");
        let child = Command::new(crate::binary())
            .args(["import", "interactions"])
            .arg(file)
            .arg("--map")
            .arg(map)
            .args([
                "--live",
                "--gateway",
                &format!("http://{gateway}"),
                "--token",
                token,
            ])
            .arg("--rejects")
            .arg(work_dir.join(format!("rejects-{}.csv", crate::request_id())))
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        Self { child }
    }

    /// Whether it has ended.
    pub fn is_over(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it failed, or printed no report.
    pub async fn finish(mut self) -> Result<ImportReport, String> {
        while !self.is_over() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let output = self.child.wait_with_output().map_err(|e| e.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            return Err(format!("the import failed ({}): {text}", output.status));
        }
        let number = |word: &str| {
            let line = text
                .lines()
                .find(|line| line.to_lowercase().contains(word))?;
            let digits: String = line.chars().filter(char::is_ascii_digit).collect();
            digits.parse().ok()
        };
        let report = || {
            Some(ImportReport {
                accepted: number("accepted")?,
                folded: number("folded")?,
                duplicate: number("duplicate")?,
                rejected: number("rejected").unwrap_or(0),
            })
        };
        report().ok_or_else(|| format!("the import printed no report: {text}"))
    }
}
