//! What one look at a service gives whoever asks how it is, and what has to be looked at for that.
//!
//! **Invariant:** holds what was seen and what could not be; nothing is decided from it.

use std::collections::BTreeSet;

use super::id::{ServiceKey, TargetGroupArn};
use super::journal::Record;
use super::live::{CodeDeployment, Rule, Service, TaskSet};
use super::plan::{Plan, Strategy};
use super::preflight::production_rules;
use super::rollout::{Facet, Observation, Seen, Watch, Wish};
use super::strategy::{CANARY_TAG, canary_of};

/// A service, what belongs to it, and what is on record of a rollout of it.
#[derive(Clone, Debug)]
pub struct Overview {
    pub service: Service,
    /// Its tasks and targets, its canary, and ECS's own record of its newest deployment.
    pub seen: Observation,
    /// Listener rules that lead to its target groups, where two of them can share the traffic.
    pub rules: Vec<Rule>,
    /// CodeDeploy's deployment of it that has not ended.
    pub code_deployment: Option<CodeDeployment>,
    pub record: Option<Record>,
    /// What whoever drives the rollout was told.
    pub wish: Option<Wish>,
    /// What could not be read, each with the reason.
    pub unread: Vec<String>,
}

impl Overview {
    /// Before anything but the service was looked at.
    pub fn of(service: Service) -> Self {
        Self {
            service,
            seen: Observation::default(),
            rules: Vec::new(),
            code_deployment: None,
            record: None,
            wish: None,
            unread: Vec::new(),
        }
    }

    /// What the service and the record name.
    pub fn first_watch(&self, key: &ServiceKey) -> Watch {
        let service = &self.service;
        let mut watch = Watch::from([
            Facet::RunningTasks(key.clone()),
            Facet::StoppedTasks(key.clone()),
        ]);
        watch.extend(self.groups().into_iter().map(Facet::Targets));
        if service.controller() != "ECS" {
            watch.extend(self.rules_of_sets());
            return watch;
        }
        watch.insert(Facet::NewestServiceDeployment(key.clone()));
        watch.extend(production_rules(service));
        if service.strategy() == "ROLLING" {
            watch.insert(Facet::Beside(canary_of(key, service)));
        }
        watch
    }

    /// The rules of the rollout on record, else those around any of the service's task sets.
    fn rules_of_sets(&self) -> Watch {
        if let Some(Strategy::TaskSets(sets)) = self.strategy() {
            let rules = std::iter::once(&sets.rule).chain(&sets.test_rule);
            return rules.cloned().map(Facet::Rule).collect();
        }
        let group = self.service.task_sets().find_map(TaskSet::target_group);
        group.into_iter().map(Facet::RulesAround).collect()
    }

    /// Takes in what the first look gave.
    pub fn take(&mut self, seen: Observation) {
        self.note(&seen);
        self.seen = seen;
        let groups = self.groups();
        let leads_here = |rule: &&Rule| rule.weights.keys().any(|group| groups.contains(group));
        let around = self.seen.rules_around.is().into_iter().flatten();
        let named = self.seen.rules.values().filter_map(Seen::is);
        self.rules = around.chain(named).filter(leads_here).cloned().collect();
        let is_canary = |beside: &Service| {
            beside.is_active() && beside.tag(CANARY_TAG) == Some(self.service.name())
        };
        if self.seen.beside.is().is_some_and(|it| !is_canary(it)) {
            self.seen.beside = Seen::Absent;
        }
    }

    /// What only the first look could name: the rules' other side, and all of a deployment that has not ended.
    pub fn further_watch(&self) -> Watch {
        let groups = self.rules.iter().flat_map(|rule| rule.weights.keys());
        let others = groups.filter(|group| !self.seen.targets.contains_key(group));
        let mut watch: Watch = others.cloned().map(Facet::Targets).collect();
        let newest = self.seen.service_deployment.is();
        if let Some(running) = newest.filter(|newest| !newest.has_ended()) {
            watch.insert(Facet::Record(running.arn()));
        }
        watch
    }

    /// Takes in what that gave. Of a deployment that is known in brief only, that stays.
    pub fn add(&mut self, further: Observation) {
        self.note(&further);
        self.seen.targets.extend(further.targets);
        if let Seen::Is(whole) = further.service_deployment {
            self.seen.service_deployment = Seen::Is(whole);
        }
    }

    fn note(&mut self, seen: &Observation) {
        let of_service = [
            seen.running_tasks.fault(),
            seen.stopped_tasks.fault(),
            seen.service_deployment.fault(),
            seen.rules_around.fault(),
            seen.beside.fault(),
        ];
        let targets = seen.targets.values().filter_map(Seen::fault);
        let rules = seen.rules.values().filter_map(Seen::fault);
        let faults = of_service.into_iter().flatten().chain(targets).chain(rules);
        self.unread.extend(faults.map(ToString::to_string));
        self.unread.dedup();
    }

    fn groups(&self) -> BTreeSet<TargetGroupArn> {
        let mut groups = self.service.target_groups_of_all();
        if let Some(Strategy::TaskSets(sets)) = self.strategy() {
            groups.extend([sets.blue.clone(), sets.green.clone()]);
        }
        groups
    }

    /// Of the rollout on record.
    pub fn strategy(&self) -> Option<&Strategy> {
        let work = self.record.as_ref()?.work.as_ref()?;
        let Plan { strategy, .. } = &work.plan;
        Some(strategy)
    }
}
