//! A plan just made, with what it was made on.

use super::road::Road;
use super::survey::Survey;
use crate::report::{PlanView, counted, plan_view, spoken};

/// The view of a plan just made, with what it was made on.
pub(super) fn survey_view(road: &Road, survey: &Survey, full: bool) -> PlanView {
    let mut view = plan_view(&survey.plan, full);
    view.about.push(format!("{} seen in {}", counted(view.hosts, "host"), spoken(survey.took)));
    if let Some(bundle) = &road.bundle {
        view.about.push(format!("bundle {} signed by {}", bundle.dir().display(), bundle.signer()));
    }
    view
}
