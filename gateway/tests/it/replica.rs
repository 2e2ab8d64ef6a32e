//! A second gateway on the database of the first.

use rapport_foundation::channel::Neighbours;
use rapport_foundation::role::Role;
use rapport_foundation::service::Readiness;
use rapport_foundation::testing::TestEnv;
use rapport_gateway::Config;
use tonic::client::Grpc;

use crate::fixture::{Client, Fixture};

/// The other replica.
pub(crate) struct Replica {
    pub(crate) client: Client,
    _env: TestEnv,
}

impl Fixture {
    /// Opens another replica, which hears of changes from the database alone.
    pub(crate) async fn replica(&self, config: &Config, token: &str) -> Replica {
        let mut house = self.env.house.clone();
        house.neighbours = Neighbours::default();
        for role in Role::SERVICES {
            let way = self.env.house.neighbours.channel(role);
            house.neighbours.set(role, way);
        }
        let env = house.env_on(self.env.database.clone(), Role::Gateway).await;
        let readiness = Readiness::starting().await;
        let gateway = rapport_gateway::open(env.env.clone(), config.clone(), &readiness)
            .await
            .unwrap();
        let listener = gateway.bind().await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let tasks = gateway.serve(listener, 0).unwrap();
        drop(tasks);
        let mut client = self.client(token).await;
        let channel = rapport_foundation::channel::Channel::connect(&url, None).unwrap();
        client.grpc = Grpc::new(channel);
        Replica { client, _env: env }
    }
}
