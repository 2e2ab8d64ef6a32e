//! What a process costs, as the system accounts for it.

use std::time::Duration;

use crate::error::Error;

/// What the kernel counts CPU time in on every platform that has `/proc`.
const TICK: Duration = Duration::from_millis(10);

/// What a process has used so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usage {
    pub(super) cpu: Duration,
    pub(super) resident_kib: u64,
}

/// What a process and the processes below it have used so far.
pub(super) fn usage(pid: u32) -> Result<Usage, Error> {
    let mut all = one(pid)?;
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    for child in children.unwrap_or_default().split_ascii_whitespace() {
        // One that ended meanwhile uses nothing any more.
        if let Some(used) = child.parse().ok().and_then(|pid| one(pid).ok()) {
            all.cpu += used.cpu;
            all.resident_kib += used.resident_kib;
        }
    }
    Ok(all)
}

fn one(pid: u32) -> Result<Usage, Error> {
    let read = |file: &str| {
        let path = format!("/proc/{pid}/{file}");
        std::fs::read_to_string(&path).map_err(|source| Error::Io { what: path, source })
    };
    let unreadable = || Error::Bench(format!("what process {pid} uses cannot be read"));
    let stat = read("stat")?;
    // The name may hold spaces and parentheses; what is counted stands behind the last one.
    let (_, fields) = stat.rsplit_once(')').ok_or_else(unreadable)?;
    let ticks: u32 = fields
        .split_ascii_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<u32>().ok())
        .sum();
    let status = read("status")?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let resident_kib = resident
        .and_then(|text| text.trim().strip_suffix(" kB"))
        .and_then(|text| text.trim().parse().ok())
        .ok_or_else(unreadable)?;
    Ok(Usage {
        cpu: TICK * ticks,
        resident_kib,
    })
}
