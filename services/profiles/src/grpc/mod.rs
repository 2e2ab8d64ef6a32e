//! The wire: decode, call, encode.

mod decode;
mod encode;

use rapport_foundation::context::Context;
use rapport_proto::profiles::v1 as pb;
use rapport_proto::profiles::v1::customer_service_server::CustomerService;
use tonic::{Request, Response, Status};

use crate::app::App;

/// `rapport.profiles.v1.CustomerService`.
pub(crate) struct Customers(App);

impl Customers {
    /// The service over its use cases.
    #[must_use]
    pub(crate) const fn new(app: App) -> Self {
        Self(app)
    }
}

#[tonic::async_trait]
impl CustomerService for Customers {
    async fn resolve_customer(
        &self,
        request: Request<pb::ResolveCustomerRequest>,
    ) -> Result<Response<pb::ResolveCustomerResponse>, Status> {
        let ctx = Context::of(&request)?;
        let command = decode::resolve(&request.into_inner(), self.0.default_region())?;
        let resolved = self.0.resolve_customer(&ctx, command).await?;
        Ok(Response::new(encode::resolved(resolved)))
    }

    async fn create_customer(
        &self,
        request: Request<pb::CreateCustomerRequest>,
    ) -> Result<Response<pb::CreateCustomerResponse>, Status> {
        let ctx = Context::of(&request)?;
        let command = decode::create(&ctx, &request.into_inner(), self.0.default_region())?;
        let customer = Some(encode::customer(
            self.0.create_customer(&ctx, &command).await?,
        ));
        Ok(Response::new(pb::CreateCustomerResponse { customer }))
    }

    async fn get_customer(
        &self,
        request: Request<pb::GetCustomerRequest>,
    ) -> Result<Response<pb::GetCustomerResponse>, Status> {
        let ctx = Context::of(&request)?;
        let id = decode::get(&request.into_inner())?;
        let customer = Some(encode::customer(self.0.get_customer(&ctx, id).await?));
        Ok(Response::new(pb::GetCustomerResponse { customer }))
    }

    async fn update_customer(
        &self,
        request: Request<pb::UpdateCustomerRequest>,
    ) -> Result<Response<pb::UpdateCustomerResponse>, Status> {
        let ctx = Context::of(&request)?;
        let command = decode::update(&ctx, &request.into_inner())?;
        let customer = Some(encode::customer(
            self.0.update_customer(&ctx, &command).await?,
        ));
        Ok(Response::new(pb::UpdateCustomerResponse { customer }))
    }

    async fn list_customers(
        &self,
        request: Request<pb::ListCustomersRequest>,
    ) -> Result<Response<pb::ListCustomersResponse>, Status> {
        let ctx = Context::of(&request)?;
        let command = decode::list(&request.into_inner(), self.0.default_region())?;
        let (page, next_page_token) = self.0.list_customers(&ctx, &command).await?;
        let customers = page.into_iter().map(encode::customer).collect();
        Ok(Response::new(pb::ListCustomersResponse {
            customers,
            next_page_token,
        }))
    }

    async fn delete_customer(
        &self,
        request: Request<pb::DeleteCustomerRequest>,
    ) -> Result<Response<pb::DeleteCustomerResponse>, Status> {
        let ctx = Context::of(&request)?;
        let command = decode::delete(&ctx, &request.into_inner())?;
        let customer = Some(encode::customer(
            self.0.delete_customer(&ctx, &command).await?,
        ));
        Ok(Response::new(pb::DeleteCustomerResponse { customer }))
    }

    async fn add_identifier(
        &self,
        request: Request<pb::AddIdentifierRequest>,
    ) -> Result<Response<pb::AddIdentifierResponse>, Status> {
        let ctx = Context::of(&request)?;
        let command = decode::add(&ctx, &request.into_inner(), self.0.default_region())?;
        let (customer, identifier) = self.0.add_identifier(&ctx, &command).await?;
        Ok(Response::new(encode::added(customer, identifier)))
    }

    async fn remove_identifier(
        &self,
        request: Request<pb::RemoveIdentifierRequest>,
    ) -> Result<Response<pb::RemoveIdentifierResponse>, Status> {
        let ctx = Context::of(&request)?;
        let command = decode::remove(&ctx, &request.into_inner())?;
        let customer = Some(encode::customer(
            self.0.remove_identifier(&ctx, &command).await?,
        ));
        Ok(Response::new(pb::RemoveIdentifierResponse { customer }))
    }

    async fn merge_customers(
        &self,
        request: Request<pb::MergeCustomersRequest>,
    ) -> Result<Response<pb::MergeCustomersResponse>, Status> {
        let ctx = Context::of(&request)?;
        let command = decode::merge(&ctx, &request.into_inner())?;
        let customer = Some(encode::customer(
            self.0.merge_customers(&ctx, &command).await?,
        ));
        Ok(Response::new(pb::MergeCustomersResponse { customer }))
    }

    async fn unmerge_customers(
        &self,
        request: Request<pb::UnmergeCustomersRequest>,
    ) -> Result<Response<pb::UnmergeCustomersResponse>, Status> {
        let ctx = Context::of(&request)?;
        let command = decode::unmerge(&ctx, &request.into_inner())?;
        let (customer, restored) = self.0.unmerge_customers(&ctx, &command).await?;
        Ok(Response::new(pb::UnmergeCustomersResponse {
            customer: Some(encode::customer(customer)),
            restored_customer: Some(encode::customer(restored)),
        }))
    }
}
