// Names, classes and references of C++, for the symbol tests.
#define NOINLINE __attribute__((noinline))
volatile int sink;

namespace net {
enum class State : unsigned char { closed, open = 3 };

struct Base {
  int id = 1;
  virtual ~Base() {}
  virtual int poll(int ms) { return ms + id; }
};

struct Named {
  long tag = 99;
};

template <typename T, int N>
class Ring : public Base, protected Named {
 public:
  NOINLINE Ring &push(const T &value) {
    items[count++ % N] = value;
    return *this;
  }
  NOINLINE T &operator[](unsigned index) { return items[index % N]; }
  int poll(int ms) override {
    sink += ms;
    return Base::poll(ms) + count;
  }
  static int created;

 private:
  T items[N] = {};
  int count = 0;
  State state = State::open;
};

template <typename T, int N>
int Ring<T, N>::created = 17;

namespace {
NOINLINE int secret(int &&value) {
  sink += value;
  return value * 2;
}
}  // namespace

namespace inner {
NOINLINE int overloaded(int value) { return sink += value; }
NOINLINE int overloaded(double value) { return sink += static_cast<int>(value); }
NOINLINE int overloaded(const Base &base, int (*callback)(int)) { return callback(base.id); }
}  // namespace inner
}  // namespace net

struct Virtual : virtual net::Named {
  int own = 5;
};

int Virtual_use(Virtual &object, int net::Base::*member, net::Base &base) { return object.own + static_cast<int>(object.tag) + base.*member; }

int main() {
  net::Ring<int, 4> ring;
  ring.push(3).push(4);
  Virtual object;
  auto lambda = [&ring](int extra) { return ring[0] + extra; };
  int total = ring.poll(2) + lambda(1) + net::secret(7);
  total += net::inner::overloaded(1) + net::inner::overloaded(2.5);
  total += net::inner::overloaded(ring, [](int value) { return value + 1; });
  total += Virtual_use(object, &net::Base::id, ring) + net::Ring<int, 4>::created;
  return total == 0;
}
