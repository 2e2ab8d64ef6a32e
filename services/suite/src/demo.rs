//! A contact-centre hour, played through the gateway as connectors and agents would, and held to what it says.

use std::path::Path;

use rapport_foundation::db::Database;
use rapport_foundation::role::Role;
use rapport_proto::routing::v1::{TicketState, WorkItemState};

use crate::assembly::verify;
use crate::embed::{Options, Suite};
use crate::error::Error;

mod ask;
mod connector;
mod desk;
mod epilogue;
mod rush;
mod scenes;
mod stage;
mod story;
mod wait;

use ask::Asking;
use stage::Stage;
use story::Story;

/// Contacts of the scenes before the rush: a message, a call, an order, five mails, two calls, a chat.
const STAGED: usize = 11;
/// Those of them that an agent solves; the order asks for nobody and one caller hangs up.
const STAGED_SOLVED: usize = 9;
/// Points of the order in the store.
const STAGED_POINTS: i64 = 250;

/// Plays the hour on a suite in an empty directory; answers once everything the story says has been checked.
///
/// # Errors
/// [`Error::Demo`] when the suite did something else than the story says.
pub async fn play(suite: &Suite, dir: &Path) -> Result<Played, Error> {
    let mut story = Story::begin();
    story.tell(format!(
        "a suite in {}, gateway at {}",
        dir.display(),
        suite.url()
    ));
    let stage = Stage::build(suite).await?;
    story.tell(format!(
        "a tenant ({}), two queues, three agents, a loyalty programme",
        stage.tenant
    ));
    let told = tell(&mut story, &stage).await;
    if let Err(status) = told {
        story.expect(
            false,
            format!("the story went on ({})", crate::client::explain(&status)),
        );
    }
    hold_to_invariants(&mut story, dir).await?;
    let (kept, broken) = story.verdict();
    if !broken.is_empty() {
        return Err(Error::Demo(broken.to_vec()));
    }
    story.chapter(&format!("{kept} expectations, all kept"));
    Ok(Played {
        manager_token: stage.manager_token,
    })
}

/// What an hour leaves behind.
#[derive(Debug)]
pub struct Played {
    manager_token: String,
}

impl Played {
    /// Prints a token and three commands that work as they stand while the suite serves.
    ///
    /// # Errors
    /// When the token cannot be written into the directory.
    pub fn invite(&self, suite: &Suite, dir: &Path) -> Result<(), Error> {
        epilogue::print(suite, &self.manager_token, dir)
    }
}

/// What `rapport verify` checks, on the databases of the running suite.
async fn hold_to_invariants(story: &mut Story, dir: &Path) -> Result<(), Error> {
    let config = Options::in_dir(dir).config;
    let mut breaches = Vec::new();
    for role in Role::ALL {
        let failed = |source| Error::Database { role, source };
        let database = Database::open(&config.database(role), role)
            .await
            .map_err(failed)?;
        breaches.extend(verify(&config, &database).await?);
        database.close().await;
    }
    let text = match breaches.as_slice() {
        [] => "every invariant holds in every database".to_owned(),
        breaches => breaches.join("; "),
    };
    story.expect(breaches.is_empty(), text);
    Ok(())
}

async fn tell(story: &mut Story, stage: &Stage) -> Result<(), tonic::Status> {
    let customer = scenes::message(story, stage).await?;
    scenes::return_by_phone(story, stage, &customer).await?;
    scenes::order(story, stage, &customer).await?;
    scenes::complaint(story, stage).await?;
    scenes::hang_up(story, stage).await?;
    scenes::leaving_agent(story, stage).await?;
    let sent = rush::play(story, stage).await?;
    totals(story, stage, sent).await
}

/// What the suite says of the hour when asked.
async fn totals(story: &mut Story, stage: &Stage, sent: usize) -> Result<(), tonic::Status> {
    story.chapter("The hour is over; what the suite says of it");
    let ask = Asking::of(stage);
    let logged = ask.interactions().await?.len();
    story.expect_same("interactions in the log", logged, STAGED + sent);
    let completed = ask.count_work(WorkItemState::Completed).await?;
    story.expect_same(
        "work items completed",
        completed,
        STAGED_SOLVED + rush::ASKING,
    );
    story.expect_same(
        "abandoned",
        ask.count_work(WorkItemState::Abandoned).await?,
        1,
    );
    story.expect_same(
        "still waiting",
        ask.count_work(WorkItemState::Waiting).await?,
        0,
    );
    let resolved = ask.count_tickets(TicketState::Resolved).await?;
    story.expect_same("tickets solved", resolved, STAGED_SOLVED + rush::ASKING);
    let due = STAGED_POINTS + rush::POINTS;
    let earned = wait::until("earning", || async {
        let earned = ask.all_points().await?;
        Ok(Some(earned).filter(|(_, points)| *points == due))
    });
    let (members, points) = match earned.await {
        Ok(earned) => earned,
        Err(_) => ask.all_points().await?,
    };
    story.expect_same(&format!("points of {members} members"), points, due);
    story.tell(format!("told in {:.1} s", story.elapsed().as_secs_f64()));
    Ok(())
}
