//! Ends the suite by SIGKILL at moments drawn by a seed, and checks it after every restart.

use std::{collections::VecDeque, time::Duration};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use rapport_tests::{DeskLog, Import, Moment, Suite, Trigger};

use crate::report;

/// What must be seen at least twice each.
const MOMENTS: [Moment; 3] = [Moment::Offered, Moment::WrappingUp, Moment::Relaying];
/// How long a moment may take to come.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Killer {
    random: StdRng,
    during_import: u32,
    moments: VecDeque<Moment>,
    incidents: u64,
    planned: u32,
    killed: u32,
}

impl Killer {
    /// Plans `kills`: a quarter during the import, two at least at each moment, the rest anywhere.
    pub(crate) fn new(seed: u64, kills: u32, incidents: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        if kills > 0 {
            report(&format!("seed {seed}: {kills} kills"));
        }
        let during_import = if kills == 0 { 0 } else { (kills / 4).max(2) };
        let rest = kills.saturating_sub(during_import);
        let mut moments: Vec<Moment> = (0..rest as usize)
            .map(|n| MOMENTS[n % MOMENTS.len()])
            .collect();
        moments.shuffle(&mut random);
        Self {
            random,
            during_import,
            moments: moments.into(),
            incidents,
            planned: kills,
            killed: 0,
        }
    }

    pub(crate) async fn during_import(
        &mut self,
        suite: &mut Suite,
        import: &mut Import,
    ) -> Result<(), String> {
        for _ in 0..self.during_import {
            let pause = Duration::from_millis(self.random.random_range(150..900));
            tokio::time::sleep(pause).await;
            if import.is_over() {
                return Err("the import was over before it could be killed often enough".to_owned());
            }
            self.kill(suite, "during import").await?;
        }
        Ok(())
    }

    /// Spreads the other kills over the work that is left.
    pub(crate) async fn while_agents_work(
        &mut self,
        suite: &mut Suite,
        trigger: &Trigger,
        log: &DeskLog,
    ) -> Result<(), String> {
        let left = self.moments.len() as u64;
        let done = log.accepted() as u64;
        let stride = self.incidents.saturating_sub(done) / (left + 1);
        for turn in 1..=left {
            let Some(moment) = self.moments.pop_front() else {
                break;
            };
            let at = done + stride * turn;
            while (log.accepted() as u64) < at {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            trigger.arm(moment);
            let reached = tokio::time::timeout(PATIENCE, trigger.reached()).await;
            reached.map_err(|_| format!("{moment:?} did not come"))?;
            self.kill(suite, &format!("{moment:?}")).await?;
        }
        Ok(())
    }

    pub(crate) fn done(&self) -> Result<(), String> {
        if self.killed == self.planned {
            return Ok(());
        }
        Err(format!("{} of {} kills", self.killed, self.planned))
    }

    async fn kill(&mut self, suite: &mut Suite, moment: &str) -> Result<(), String> {
        self.killed += 1;
        let back = suite.kill_and_restart().await;
        suite
            .verify()
            .await
            .map_err(|breach| format!("after kill {}: {breach}", self.killed))?;
        report(&format!(
            "kill {:2} ({moment}): back after {} ms, verify passes",
            self.killed,
            back.as_millis()
        ));
        Ok(())
    }
}
