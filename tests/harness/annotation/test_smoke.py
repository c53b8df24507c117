from tests.harness.annotation.conftest import answered
from harness.annotation.assign import claim
from harness.annotation.submit import submit
from harness.annotation.views import Task
def test_smoke(sitting):
    s = sitting(n=12)
    for h in s.raters:
        t = claim(s.database, s.name, h)
        n=0
        while isinstance(t, Task):
            r = submit(s.database, s.name, h, answered(t)); t = r.next; n+=1
            if n==3: break
        print(h, n, t)
    t = claim(s.database, s.name, "ben")
    assert isinstance(t, Task)
    while isinstance(t, Task):
        t = submit(s.database, s.name, "ben", answered(t)).next
    assert t.reason=="wait"
