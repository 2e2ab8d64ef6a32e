use rapport_foundation::context::Context;
use rapport_proto::loyalty::v1 as pb;
use rapport_proto::loyalty::v1::program_service_server::ProgramService;
use tonic::{Request, Response, Status};

use super::{Api, decode, encode};

#[tonic::async_trait]
impl ProgramService for Api {
    async fn create_program(
        &self,
        request: Request<pb::CreateProgramRequest>,
    ) -> Result<Response<pb::CreateProgramResponse>, Status> {
        let ctx = Context::of(&request)?;
        let (new, key) = decode::create_program(&ctx, request.get_ref())?;
        let program = self.app.create_program(&ctx, new, key).await?;
        let program = Some(encode::program(program));
        Ok(Response::new(pb::CreateProgramResponse { program }))
    }

    async fn get_program(
        &self,
        request: Request<pb::GetProgramRequest>,
    ) -> Result<Response<pb::GetProgramResponse>, Status> {
        let ctx = Context::of(&request)?;
        let id = decode::program_id(&request.get_ref().program_id)?;
        let program = Some(encode::program(self.app.get_program(&ctx, id).await?));
        Ok(Response::new(pb::GetProgramResponse { program }))
    }

    async fn list_programs(
        &self,
        request: Request<pb::ListProgramsRequest>,
    ) -> Result<Response<pb::ListProgramsResponse>, Status> {
        let ctx = Context::of(&request)?;
        let asked = decode::list_programs(request.get_ref())?;
        let page = self.app.list_programs(&ctx, asked).await?;
        Ok(Response::new(pb::ListProgramsResponse {
            programs: page.items.into_iter().map(encode::program).collect(),
            next_page_token: page.next,
        }))
    }

    async fn enrol_member(
        &self,
        request: Request<pb::EnrolMemberRequest>,
    ) -> Result<Response<pb::EnrolMemberResponse>, Status> {
        let ctx = Context::of(&request)?;
        let (new, key) = decode::enrol(&ctx, request.get_ref())?;
        let member = self.app.enrol_member(&ctx, new, key).await?;
        Ok(Response::new(pb::EnrolMemberResponse {
            member: Some(encode::member(&member)),
        }))
    }

    async fn get_member(
        &self,
        request: Request<pb::GetMemberRequest>,
    ) -> Result<Response<pb::GetMemberResponse>, Status> {
        let ctx = Context::of(&request)?;
        let id = decode::member_id(&request.get_ref().member_id)?;
        let member = self.app.get_member(&ctx, id).await?;
        Ok(Response::new(pb::GetMemberResponse {
            member: Some(encode::member(&member)),
        }))
    }

    async fn list_members(
        &self,
        request: Request<pb::ListMembersRequest>,
    ) -> Result<Response<pb::ListMembersResponse>, Status> {
        let ctx = Context::of(&request)?;
        let (filter, asked) = decode::list_members(request.get_ref())?;
        let page = self.app.list_members(&ctx, filter, asked).await?;
        Ok(Response::new(pb::ListMembersResponse {
            members: page.items.iter().map(encode::member).collect(),
            next_page_token: page.next,
        }))
    }
}
