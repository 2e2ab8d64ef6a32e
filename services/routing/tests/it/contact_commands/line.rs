//! The connector's end of a stream of commands. This is all that a connector has to do.

use std::time::Duration;

use rapport_proto::routing::v1 as pb;
use rapport_proto::routing::v1::deliver_commands_request::Message as Word;
use rapport_proto::routing::v1::deliver_commands_response::Message as Heard;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use crate::bench::Bench;

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Line {
    words: mpsc::Sender<pb::DeliverCommandsRequest>,
    heard: Streaming<pb::DeliverCommandsResponse>,
}

impl Line {
    /// A stream of a connector that takes so many at a time.
    pub(crate) async fn open(bench: &Bench, name: &str, window: i32) -> Self {
        let line = Self::unopened(bench, name).await;
        line.say(Word::Opening(pb::CommandOpening { window })).await;
        line
    }

    /// A stream on which nothing was said yet.
    pub(crate) async fn unopened(bench: &Bench, name: &str) -> Self {
        let (words, outgoing) = mpsc::channel(64);
        let request = bench.connector(name, ReceiverStream::new(outgoing));
        let heard = bench.commands().deliver_commands(request).await;
        Self {
            words,
            heard: heard.unwrap().into_inner(),
        }
    }

    pub(crate) async fn say(&self, word: Word) {
        let message = Some(word);
        // The service may have ended the stream.
        let _ = self
            .words
            .send(pb::DeliverCommandsRequest { message })
            .await;
    }

    /// What is heard next, past signs of life; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Heard>, Status> {
        loop {
            let heard = tokio::time::timeout(PATIENCE, self.heard.message()).await;
            match heard.expect("nothing is heard")? {
                None => return Ok(None),
                Some(heard) if heard.message.is_some() => return Ok(heard.message),
                Some(_) => {}
            }
        }
    }

    pub(crate) async fn hears(&mut self) -> Heard {
        self.next().await.unwrap().expect("the stream goes on")
    }

    /// The next is a command.
    pub(crate) async fn delivery(&mut self) -> pb::CommandDelivery {
        match self.hears().await {
            Heard::Delivery(delivery) => delivery,
            other => panic!("{other:?}"),
        }
    }

    /// The next is a command of this kind.
    pub(crate) async fn told(&mut self, kind: pb::ContactCommandKind) -> pb::CommandDelivery {
        let delivery = self.delivery().await;
        assert_eq!(command(&delivery).kind(), kind);
        delivery
    }

    pub(crate) async fn accept(&mut self, one: &pb::CommandDelivery) -> Heard {
        let (contact_command_id, attempt) = named(one);
        self.say(Word::Accepted(pb::CommandAccepted {
            contact_command_id,
            attempt,
        }))
        .await;
        self.hears().await
    }

    /// Does what it was told, and is told that this is known.
    pub(crate) async fn does(&mut self, one: &pb::CommandDelivery) {
        assert!(matches!(self.accept(one).await, Heard::Confirmation(_)));
        assert_eq!(self.done(one).await, pb::ContactCommandState::Done);
    }

    /// The same for a command of this kind, which comes next.
    pub(crate) async fn does_next(&mut self, kind: pb::ContactCommandKind) -> pb::CommandDelivery {
        let one = self.told(kind).await;
        self.does(&one).await;
        one
    }

    /// Says that it is done; answers how far it is then.
    pub(crate) async fn done(&mut self, one: &pb::CommandDelivery) -> pb::ContactCommandState {
        let (contact_command_id, attempt) = named(one);
        self.say(Word::Done(pb::CommandDone {
            contact_command_id,
            attempt,
        }))
        .await;
        self.receipt().await
    }

    /// Says that it cannot be done; answers how far it is then.
    pub(crate) async fn fails(
        &mut self,
        one: &pb::CommandDelivery,
        fault: pb::CommandFault,
    ) -> pb::ContactCommandState {
        let (contact_command_id, attempt) = named(one);
        self.say(Word::Failed(pb::CommandFailed {
            contact_command_id,
            attempt,
            reason: "NO_ANSWER".into(),
            fault: fault.into(),
        }))
        .await;
        self.receipt().await
    }

    async fn receipt(&mut self) -> pb::ContactCommandState {
        match self.hears().await {
            Heard::Receipt(said) => said.state(),
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn command(one: &pb::CommandDelivery) -> &pb::ContactCommand {
    one.contact_command.as_ref().unwrap()
}

fn named(one: &pb::CommandDelivery) -> (String, i32) {
    let command = command(one);
    (command.id.clone(), command.attempt)
}
