//! The connector's end of a stream of deliveries. This is all that a connector has to do.

use std::time::Duration;

use rapport_foundation::channel::Channel;
use rapport_proto::interactions::v1 as pb;
use rapport_proto::interactions::v1::deliver_outbound_request::Message as Word;
use rapport_proto::interactions::v1::deliver_outbound_response::Message as Heard;
use rapport_proto::interactions::v1::outbound_service_client::OutboundServiceClient;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Status, Streaming};

use crate::stage::Stage;

const PATIENCE: Duration = Duration::from_secs(20);

type Words = ReceiverStream<pb::DeliverOutboundRequest>;

pub(crate) struct Line {
    words: mpsc::Sender<pb::DeliverOutboundRequest>,
    heard: Streaming<pb::DeliverOutboundResponse>,
}

impl Line {
    /// A stream of the connector `whatsapp` that takes so many at a time.
    pub(crate) async fn open(stage: &Stage, window: i32) -> Self {
        Self::opened(stage, "whatsapp", window, false).await
    }

    /// The same, of a connector whose provider drops repetitions.
    pub(crate) async fn dropping(stage: &Stage, window: i32) -> Self {
        Self::opened(stage, "whatsapp", window, true).await
    }

    pub(crate) async fn opened(stage: &Stage, name: &str, window: i32, drops: bool) -> Self {
        let client = stage.outbound();
        let line = Self::through(client, |words| stage.connector(name, words)).await;
        line.opening(window, drops).await;
        line
    }

    /// A stream on which nothing was said yet.
    pub(crate) async fn through(
        mut client: OutboundServiceClient<Channel>,
        request: impl FnOnce(Words) -> Request<Words>,
    ) -> Self {
        let (words, outgoing) = mpsc::channel(1024);
        let request = request(ReceiverStream::new(outgoing));
        let heard = client.deliver_outbound(request).await.unwrap().into_inner();
        Self { words, heard }
    }

    pub(crate) async fn opening(&self, window: i32, drops_repetitions: bool) {
        self.say(Word::Opening(pb::DeliveryOpening {
            window,
            drops_repetitions,
        }))
        .await;
    }

    pub(crate) async fn say(&self, word: Word) {
        let message = Some(word);
        // The service may have ended the stream.
        let _ = self
            .words
            .send(pb::DeliverOutboundRequest { message })
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

    /// The next is a delivery.
    pub(crate) async fn delivery(&mut self) -> pb::OutboundDelivery {
        match self.hears().await {
            Heard::Delivery(delivery) => delivery,
            other => panic!("{other:?}"),
        }
    }

    /// Nothing is handed over for a while: the next two are signs of life.
    pub(crate) async fn hears_nothing(&mut self) {
        for _ in 0..2 {
            let heard = tokio::time::timeout(PATIENCE, self.heard.message()).await;
            let heard = heard.unwrap().unwrap().unwrap();
            assert_eq!(heard.message, None);
        }
    }

    pub(crate) async fn accept(&mut self, one: &pb::OutboundDelivery) -> Heard {
        self.say(Word::Accepted(pb::DeliveryAccepted {
            outbound_id: one.outbound_id.clone(),
            attempt: one.attempt,
        }))
        .await;
        self.hears().await
    }

    /// Accepts what must be confirmed.
    pub(crate) async fn accepts(&mut self, one: &pb::OutboundDelivery) {
        match self.accept(one).await {
            Heard::Confirmation(said) => {
                assert_eq!(
                    (&said.outbound_id, said.attempt),
                    (&one.outbound_id, one.attempt)
                );
            }
            other => panic!("{other:?}"),
        }
    }

    /// Accepts what must be withdrawn.
    pub(crate) async fn is_withdrawn(
        &mut self,
        one: &pb::OutboundDelivery,
    ) -> pb::DeliveryWithdrawalReason {
        match self.accept(one).await {
            Heard::Withdrawal(said) => said.reason(),
            other => panic!("{other:?}"),
        }
    }

    /// Says that it was sent; answers how far the message is then.
    pub(crate) async fn sent(&mut self, one: &pb::OutboundDelivery, id: &str) -> pb::OutboundState {
        self.say(Word::Sent(pb::DeliverySent {
            outbound_id: one.outbound_id.clone(),
            attempt: one.attempt,
            message_id: id.into(),
        }))
        .await;
        self.receipt().await
    }

    pub(crate) async fn failed(
        &mut self,
        one: &pb::OutboundDelivery,
        reason: &str,
        permanent: bool,
    ) -> pb::OutboundState {
        self.say(Word::Failed(pb::DeliveryFailed {
            outbound_id: one.outbound_id.clone(),
            attempt: one.attempt,
            reason: reason.into(),
            permanent,
            retry_after_ms: 0,
        }))
        .await;
        self.receipt().await
    }

    pub(crate) async fn released(&mut self, one: &pb::OutboundDelivery) -> pb::OutboundState {
        self.say(Word::Released(pb::DeliveryReleased {
            outbound_id: one.outbound_id.clone(),
            attempt: one.attempt,
        }))
        .await;
        self.receipt().await
    }

    async fn receipt(&mut self) -> pb::OutboundState {
        match self.hears().await {
            Heard::Receipt(receipt) => receipt.state(),
            other => panic!("{other:?}"),
        }
    }

    /// Takes the next delivery all the way.
    pub(crate) async fn sends(&mut self, id: &str) -> pb::OutboundDelivery {
        let one = self.delivery().await;
        self.accepts(&one).await;
        assert_eq!(self.sent(&one, id).await, pb::OutboundState::Sent);
        one
    }
}
