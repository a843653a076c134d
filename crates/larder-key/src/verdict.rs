//! Who may use a result: the verdict, from what is known of the run.
//!
//! | fact | verdict at least | why |
//! |---|---|---|
//! | it used the network, read the clock and it shows, or read what cannot be keyed | volatile | another run may give something else |
//! | a place or a name of this machine shows | path-bound | it is right only where that is the same, so that is in the key too |
//! | foreign code ran, and nobody saw what it read | unobserved | only what it declared is in the key |
//! | it links, or read files of the host that are in the key | host-keyed | found only where they are the same |
//! | nothing of these | portable | the toolchain and the sources are all there is |
//!
//! The strictest one wins. Every fact that keeps a result from a better
//! verdict leaves a sentence, also where another one is stricter.

use larder_schema::record::Verdict;

/// Whether it is known what the action read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Observation {
    /// Only the compiler ran: it says itself what it read.
    #[default]
    NotNeeded,
    /// Foreign code ran (a build script, a proc-macro), and all that it read
    /// is in the path set.
    Observed,
    /// Foreign code ran, and only what was declared is known: why.
    NotObserved(String),
}

/// What is known of a run when it is over. Lists hold sentences for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Whether it is known what it read.
    pub observation: Observation,
    /// The linker ran: linker and C library are in the key.
    pub links: bool,
    /// Files of the host that it read and that are in the key.
    pub host_files: Vec<String>,
    /// Places and names of this machine that show in what it left.
    pub bound: Vec<String>,
    /// Uses of the network.
    pub network: Vec<String>,
    /// Signs that the time is in what it left.
    pub clock: Vec<String>,
    /// Other inputs that no key can hold, chance among them.
    pub unkeyed: Vec<String>,
}

/// A verdict and why it is not a better one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// A sentence for every fact that speaks against a better one, the
    /// strictest first.
    pub evidence: Vec<String>,
}

/// Judges a run.
#[must_use]
pub fn judge(facts: &Facts) -> Judgement {
    let volatile = facts.network.iter().chain(&facts.clock).chain(&facts.unkeyed).cloned();
    let unobserved = match &facts.observation {
        Observation::NotObserved(why) => vec![why.clone()],
        Observation::NotNeeded | Observation::Observed => Vec::new(),
    };
    let linked = facts.links.then_some("it is linked with the linker and C library of this host");
    let of_host: Vec<String> =
        linked.map(str::to_owned).into_iter().chain(facts.host_files.iter().cloned()).collect();
    let by_severity = [
        (Verdict::Volatile, volatile.collect::<Vec<_>>()),
        (Verdict::PathBound, facts.bound.clone()),
        (Verdict::Unobserved, unobserved),
        (Verdict::HostKeyed, of_host),
    ];
    let verdict = by_severity
        .iter()
        .find(|(_, evidence)| !evidence.is_empty())
        .map_or(Verdict::Portable, |(verdict, _)| *verdict);
    Judgement { verdict, evidence: by_severity.into_iter().flat_map(|(_, all)| all).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use larder_schema::record::Sharing;

    #[test]
    fn each_fact_alone() {
        let sentence = || vec!["a sentence".to_owned()];
        let unseen = Observation::NotObserved("a sentence".to_owned());
        for (facts, verdict, sharing) in [
            (Facts::default(), Verdict::Portable, Sharing::Everywhere),
            (
                Facts { observation: Observation::Observed, ..Facts::default() },
                Verdict::Portable,
                Sharing::Everywhere,
            ),
            (Facts { links: true, ..Facts::default() }, Verdict::HostKeyed, Sharing::Everywhere),
            (
                Facts { host_files: sentence(), ..Facts::default() },
                Verdict::HostKeyed,
                Sharing::Everywhere,
            ),
            (
                Facts { observation: unseen, ..Facts::default() },
                Verdict::Unobserved,
                Sharing::ByPolicy,
            ),
            (
                Facts { bound: sentence(), ..Facts::default() },
                Verdict::PathBound,
                Sharing::ThisMachine,
            ),
            (
                Facts { network: sentence(), ..Facts::default() },
                Verdict::Volatile,
                Sharing::ThisMachine,
            ),
            (
                Facts { clock: sentence(), ..Facts::default() },
                Verdict::Volatile,
                Sharing::ThisMachine,
            ),
            (
                Facts { unkeyed: sentence(), ..Facts::default() },
                Verdict::Volatile,
                Sharing::ThisMachine,
            ),
        ] {
            let judged = judge(&facts);
            assert_eq!(judged.verdict, verdict, "{facts:?}");
            assert_eq!(judged.verdict.sharing(), sharing);
            assert_eq!(judged.evidence.is_empty(), verdict == Verdict::Portable, "{facts:?}");
        }
    }

    #[test]
    fn the_strictest_wins_and_all_evidence_stays() {
        let facts = Facts {
            observation: Observation::NotObserved("unseen".into()),
            links: true,
            bound: vec!["a path".into()],
            clock: vec!["the date".into()],
            ..Facts::default()
        };
        let judged = judge(&facts);
        assert_eq!(judged.verdict, Verdict::Volatile);
        assert_eq!(judged.evidence[..3], ["the date", "a path", "unseen"]);
        assert_eq!(judged.evidence.len(), 4);
    }
}
