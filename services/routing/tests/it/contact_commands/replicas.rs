//! A connector opens its stream at any replica.

use rapport_proto::routing::v1::ContactCommandKind as Kind;

use super::line::Line;
use super::{House, PBX};
use crate::owners::two;

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_hears_its_commands_at_any_replica() {
    two(async |first, second| {
        let house = House::of(first).await;
        let (_, mut hers) = house.at_work("ana").await;
        let mut line = Line::open(&second, PBX, 5).await;
        let item = house.accepted(&mut hers).await;
        line.does_next(Kind::Connect).await;
        second.complete(&item).await;
        line.does_next(Kind::HangUp).await;
        second.verified().await;
    })
    .await;
}
