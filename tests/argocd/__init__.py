"""The real Argo CD on a real Kubernetes API server, for tests that see what its users see.

The fixture `argocd` (world.py) is one control plane for all tests of a version of Argo CD: etcd and kube-apiserver
(cluster.py), Redis, argocd-repo-server, argocd-application-controller and argocd-applicationset-controller
(services.py), and argocd-cmp-server with our plugin.yaml and the environment of a sidecar (sidecar.py).  They are plain
processes on loopback, in a folder of the session, built by scripts/build_argocd.py.  The versions run one after the
other: all tests on the newest, and those with the marker `every_argocd` on each.  A test takes the fixture, and a
repository (git.py)::

    def test_shop(argocd: ArgoCD, repository: Repository) -> None:
        repository.commit({**SHOP, VALUES: "greeting: hello"})          # trees.py; or tree=EXAMPLE
        argocd.apply(application("unique-name", repository.url, PATH))  # applications.py
        argocd.wait("unique-name")                                      # Synced; or failed("text")
        assert argocd.kube.get("ConfigMap", "shop", "unique-name")      # kube.py
        repository.commit({VALUES: ""})
        argocd.refresh("unique-name")                                   # hard, and done when it returns
        argocd.wait("unique-name", failed("there is no greeting"))

Names of applications and namespaces are shared by these tests, so each test has its own.  There are no Kubernetes
controllers and no nodes: a Job never ends, a Deployment never becomes healthy, a deleted Namespace stays.
Git is not asked again by itself, only by `refresh`, and pruning is in the background, as nobody collects garbage.
It starts in 7 s on two idle cores and needs 1.3 GB of memory, half of it kube-apiserver; a commit is Synced 0.6 s after
it.  All tests of this folder run in one worker (tests/support/scheduling.py).
"""
