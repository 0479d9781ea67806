/* The heat equation of a ReLU network followed exactly, in plain C: what Exact().ensemble is measured against.
 *
 * One trajectory after the other, doubles, no library but C's own. The same logs as the engine's: time, neuron, modes,
 * energy, slopes before and after; and the final states. What it leaves out is what the engine has for the edges:
 * starts on walls, speeds that vanish there, a second look where a number is close to its rounding, pinned
 * coordinates, an energy to stop at.
 *
 * follow_shallow: one hidden layer and one output, the closed form (course/docs/exact.md, Theorems 1, 2 and 5).
 * follow_deep: any layers, a Taylor series with Bernstein's coefficients (Theorem 3), and one set of eigenvectors, those
 * of the mode of the forward pass, in which every run ends.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EPS 2.220446049250313e-16
#define NOISE (8 * EPS)
#define DEGREE 20
enum { INACTIVE, ACTIVE, SLIDING };

typedef struct {
    double time, energy, before_slope, after_slope;
    int trajectory, neuron, before, after;
} Event;

/* Filippov's rule; the side from which a wall was met settles one sign. */
static int settle(int before, double down, double up, int rises)
{
    if (before == INACTIVE) return down <= 0 ? INACTIVE : up > 0 ? ACTIVE : SLIDING;
    if (before == ACTIVE) return up >= 0 ? ACTIVE : down <= 0 ? INACTIVE : SLIDING;
    return rises ? ACTIVE : INACTIVE;
}

static int log_event(Event *events, long *count, long room, Event event)
{
    if (*count == room) return 0;
    events[(*count)++] = event;
    return 1;
}

/* ---- one hidden layer ------------------------------------------------------------------------------------------ */

/* The first root after one of `order` at 0 of c + a[0] exp(-l[0] t) + ...; infinite if none up to `limit`. */
static double first_root(double c, const double *a, const double *l, double start, double floor, int order, double limit)
{
    double t = 0, g = c + NOISE * fabs(c) + floor, b[3], x[3];
    for (int k = 0; k < 3; k++) b[k] = a[k] + NOISE * fabs(a[k]);
    if (order) {
        double lead = 0, bound = 0;
        for (int k = 0; k < 3; k++) {
            double high = order == 1 ? -l[k] * a[k] : l[k] * l[k] * a[k];
            lead += high;
            if (high > 0) bound += high * l[k];
        }
        if (bound > 0 && lead > 0) t = 0.5 * (order + 1) * lead / bound;
    }
    for (int count = 0; count < 5000; count++) {
        for (int k = 0; k < 3; k++) x[k] = b[k] * exp(-l[k] * t);
        double p1 = g + x[0], p2 = p1 + x[1], value = p2 + x[2];
        if (g >= 0 && p1 >= 0 && p2 >= 0 && value > 0) return INFINITY; /* Theorem 1 */
        if (value <= 0) break;
        double slope = 0, down = 0, bend = 0; /* Theorem 2 */
        for (int k = 0; k < 3; k++) {
            double speed = x[k] * l[k];
            slope -= speed;
            if (speed > 0) down += speed;
            else bend -= speed * l[k];
        }
        double root = sqrt(slope * slope + 2 * bend * value);
        double step = slope < 0 ? 2 * value / (root - slope) : bend > 0 ? (slope + root) / bend : INFINITY;
        if (down > 0 && value > step * down) step = value / down;
        t += step;
        if (t > limit) return INFINITY;
        if (step <= 2 * EPS * t) break;
    }
    for (int k = 0; k < 2; k++) { /* back to where the function itself vanishes */
        double value = start, slope = 0;
        for (int j = 0; j < 3; j++) {
            value += a[j] * expm1(-l[j] * t);
            slope -= a[j] * l[j] * exp(-l[j] * t);
        }
        double step = slope < 0 ? -value / slope : 0;
        if (fabs(step) > 1e-3 * t) break;
        t += step;
        if (fabs(step) <= 1e-12 * t) break;
    }
    return t <= limit ? t : INFINITY;
}

/* a, w, floor: of each of h neurons; b: the output's bias; starts and finals: m rows of h + 1. Returns the number of
 * events, -1 if there is no room for them. */
long follow_shallow(int h, const double *a, const double *w, double b, const double *floor, long m, const double *starts,
                    double t_end, long room, Event *events, double *finals)
{
    long count = 0;
    double *z = malloc(2 * h * sizeof *z), *wait = z + h;
    int *mode = malloc(2 * h * sizeof *mode), *fresh = mode + h;
    for (long k = 0; k < m && count >= 0; k++) {
        const double *c = starts + k * (h + 1);
        double t = 0, r = c[h] - b;
        for (int i = 0; i < h; i++) {
            z[i] = c[i];
            mode[i] = z[i] > 0 ? ACTIVE : INACTIVE;
            fresh[i] = 0;
            if (mode[i] == ACTIVE) r -= w[i] * z[i];
        }
        for (;;) {
            double s = 0, p = 0, l[3] = {1, 1, 1}, R1 = r, R2 = 0, B1 = 0, B2 = 0, share = 0;
            for (int i = 0; i < h; i++)
                if (mode[i] == ACTIVE) {
                    s += w[i] * w[i];
                    p += w[i] * (z[i] - a[i]);
                }
            double q = sqrt(s * s + 4 * s);
            if (q >= 1e-150) {
                double d1 = 2 * s / (s + q), d2 = 0.5 * (s + q);
                l[0] = 2 / (2 + s + q), l[2] = 1 + d2;
                R1 = (p + d1 * r) / q, R2 = (d2 * r - p) / q;
                B1 = R1 / d1, B2 = -R2 / d2, share = p / s;
            }
            double first = t_end * (1 + 1e-12) - t;
            for (int i = 0; i < h; i++) {
                wait[i] = INFINITY;
                if (mode[i] == INACTIVE) {
                    if (a[i] > 0) wait[i] = log1p(-z[i] / a[i]);
                } else if (mode[i] == SLIDING) {
                    double terms[3] = {-w[i] * R1, 0, -w[i] * R2};
                    wait[i] = first_root(-a[i], terms, l, -a[i] - w[i] * r, floor[i], 0, first);
                } else {
                    double terms[3] = {w[i] * B1, z[i] - a[i] - w[i] * share, w[i] * B2};
                    double p1 = a[i] + terms[0];
                    if (a[i] >= 0 && p1 >= 0 && p1 + terms[1] >= 0 && z[i] > 1e-9) continue;
                    wait[i] = first_root(a[i], terms, l, z[i], floor[i], fresh[i], first);
                }
                if (wait[i] < first) first = wait[i];
            }
            int ends = t + first > t_end * (1 + 4 * EPS);
            double late = first * (1 + 4 * EPS);
            if (ends) first = t_end - t;
            double drop = expm1(-first), m1 = expm1(-l[0] * first), m2 = expm1(-l[2] * first);
            for (int i = 0; i < h; i++) {
                double u = z[i] - a[i];
                if (mode[i] == ACTIVE) z[i] += (u - w[i] * share) * drop + w[i] * (B1 * m1 + B2 * m2);
                else if (mode[i] == INACTIVE) z[i] += u * drop;
            }
            r = R1 * (1 + m1) + R2 * (1 + m2);
            if (ends) break;
            t += first;
            double energy = r * r, before = r * r, after;
            for (int i = 0; i < h; i++) {
                if (wait[i] <= late) z[i] = 0;
                double u = a[i] - z[i], v = mode[i] == SLIDING ? 0 : mode[i] == ACTIVE ? u + w[i] * r : u;
                energy += u * u;
                before += v * v;
            }
            energy *= 0.5;
            after = before;
            long since = count;
            for (int i = 0; i < h; i++) {
                fresh[i] = 0;
                if (wait[i] > late) continue;
                double down = a[i], up = a[i] + w[i] * r, speed[3] = {down, up, 0};
                int now = settle(mode[i], down, up, 1); /* down stays a, so slides end by going active */
                fresh[i] = mode[i] == SLIDING ? 2 : 1;
                if (now == mode[i]) continue;
                after += speed[now] * speed[now] - speed[mode[i]] * speed[mode[i]];
                Event event = {t, energy, -before / energy, 0, (int)k, i, mode[i], now};
                if (!log_event(events, &count, room, event)) {
                    count = -1;
                    goto out;
                }
                mode[i] = now;
            }
            for (; since < count; since++) events[since].after_slope = -after / energy;
        }
        double *final = finals + k * (h + 1);
        final[h] = r + b;
        for (int i = 0; i < h; i++) {
            final[i] = z[i];
            if (mode[i] == ACTIVE) final[h] += w[i] * z[i];
        }
    }
out:
    free(z);
    free(mode);
    return count;
}

/* ---- any layers ------------------------------------------------------------------------------------------------ */

typedef struct {
    int layers, n, h;      /* layers of free coordinates, all of these, the hidden ones */
    const int *widths;     /* of each layer */
    const double *columns; /* of layer after layer but the first: weights, transposed: the column of each neuron before */
    const double *drive;   /* n */
} Net;

/* r = delta s (less the drive), and g = its pull on hidden neurons that move. */
static void apply(const Net *net, const int *mode, const double *s, const double *drive, double *r, double *g)
{
    const double *column = net->columns;
    for (int i = 0; i < net->n; i++) r[i] = s[i] - (drive ? drive[i] : 0);
    for (int layer = 1, from = 0; layer < net->layers; layer++) {
        int before = net->widths[layer - 1], after = net->widths[layer];
        double *below = r + from + before;
        for (int j = 0; j < before; j++, column += after)
            if (mode[from + j] == ACTIVE) {
                double value = s[from + j];
                for (int i = 0; i < after; i++) below[i] -= column[i] * value;
            }
        from += before;
    }
    column = net->columns;
    for (int layer = 1, from = 0; layer < net->layers; layer++) {
        int before = net->widths[layer - 1], after = net->widths[layer];
        const double *below = r + from + before;
        for (int j = 0; j < before; j++, column += after) {
            if (mode[from + j] == INACTIVE) continue;
            double even = 0, odd = 0;
            int i = 0;
            for (; i + 1 < after; i += 2) even += column[i] * below[i], odd += column[i + 1] * below[i + 1];
            if (i < after) even += column[i] * below[i];
            g[from + j] = even + odd;
        }
        from += before;
    }
}

static double pull(const Net *net, const double *r, int neuron)
{
    const double *column = net->columns;
    int from = 0, layer = 1;
    for (; neuron >= from + net->widths[layer - 1]; layer++) {
        column += net->widths[layer - 1] * net->widths[layer];
        from += net->widths[layer - 1];
    }
    int after = net->widths[layer];
    const double *below = r + from + net->widths[layer - 1];
    double sum = 0;
    column += (neuron - from) * after;
    for (int i = 0; i < after; i++) sum += column[i] * below[i];
    return sum;
}

static void field(const Net *net, const int *mode, const double *r, const double *g, double *v)
{
    for (int i = 0; i < net->n; i++) v[i] = -r[i];
    for (int i = 0; i < net->h; i++) {
        if (mode[i] == ACTIVE) v[i] += g[i];
        if (mode[i] == SLIDING) v[i] = 0;
    }
}

static double squares(int n, const double *v)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += v[i] * v[i];
    return sum;
}

/* Eigenvalues and eigenvectors (rows of q) of a symmetric matrix, by Jacobi's rotations; once for a network. */
static void jacobi(int n, double *matrix, double *q)
{
    for (int i = 0; i < n * n; i++) q[i] = i % (n + 1) == 0;
    for (int sweep = 0; sweep < 60; sweep++) {
        double off = 0, all = squares(n * n, matrix);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < i; j++) off += matrix[i * n + j] * matrix[i * n + j];
        if (off <= 1e-34 * all) return;
        for (int i = 0; i < n; i++)
            for (int j = 0; j < i; j++) {
                double value = matrix[i * n + j];
                if (value == 0) continue;
                double theta = (matrix[j * n + j] - matrix[i * n + i]) / (2 * value);
                double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
                double c = 1 / sqrt(t * t + 1), s = t * c;
                for (int k = 0; k < n; k++) {
                    double x = matrix[i * n + k], y = matrix[j * n + k];
                    matrix[i * n + k] = c * x - s * y, matrix[j * n + k] = s * x + c * y;
                    x = q[i * n + k], y = q[j * n + k];
                    q[i * n + k] = c * x - s * y, q[j * n + k] = s * x + c * y;
                }
                for (int k = 0; k < n; k++) {
                    double x = matrix[k * n + i], y = matrix[k * n + j];
                    matrix[k * n + i] = c * x - s * y, matrix[k * n + j] = s * x + c * y;
                }
            }
    }
}

/* Where every run ends: the mode of the forward pass. */
typedef struct {
    double *rest, *rates, *vectors; /* ascending rates; row k of vectors belongs to rate k */
    int *mode;
} Home;

static Home find_home(const Net *net)
{
    int n = net->n;
    Home home = {calloc(n, sizeof(double)), malloc(n * sizeof(double)), malloc(n * n * sizeof(double)), calloc(n, sizeof(int))};
    double *matrix = malloc(n * n * sizeof *matrix), *q = malloc(n * n * sizeof *q), *r = malloc(4 * n * sizeof *r);
    for (int layer = 0, from = 0; layer < net->layers; from += net->widths[layer++]) {
        apply(net, home.mode, home.rest, net->drive, r, r + n);
        for (int i = from; i < from + net->widths[layer]; i++) {
            home.rest[i] = -r[i];
            home.mode[i] = home.rest[i] > 0 && i < net->h ? ACTIVE : INACTIVE;
        }
    }
    for (int j = 0; j < n; j++) { /* column j of the Laplacian */
        double *s = r + 2 * n, *v = r + 3 * n;
        for (int i = 0; i < n; i++) s[i] = i == j;
        apply(net, home.mode, s, NULL, r, r + n);
        field(net, home.mode, r, r + n, v);
        for (int i = 0; i < n; i++) matrix[i * n + j] = -v[i];
    }
    jacobi(n, matrix, q);
    for (int k = 0; k < n; k++) {
        int place = 0;
        for (int j = 0; j < n; j++) {
            double x = matrix[j * n + j], y = matrix[k * n + k];
            place += x < y || (x == y && j < k);
        }
        home.rates[place] = matrix[k * n + k];
        memcpy(home.vectors + place * n, q + k * n, n * sizeof *q);
    }
    free(matrix), free(q), free(r);
    return home;
}

/* Whether Theorem 1 shows that no neuron meets a wall from c on; if so, go to the end. */
static int go_home(const Net *net, const Home *home, const int *mode, double *c, double wait, double *y)
{
    int n = net->n;
    if (memcmp(mode, home->mode, net->h * sizeof *mode)) return 0;
    for (int k = 0; k < n; k++) {
        y[k] = 0;
        for (int i = 0; i < n; i++) y[k] += home->vectors[k * n + i] * (c[i] - home->rest[i]);
    }
    for (int i = 0; i < net->h; i++) {
        double sign = mode[i] == ACTIVE ? 1 : -1, sum = sign * home->rest[i];
        if (sum < 1e-9) return 0;
        for (int k = 0; k < n; k++) {
            sum += sign * home->vectors[k * n + i] * y[k];
            if (sum < 1e-9) return 0;
        }
    }
    memcpy(c, home->rest, n * sizeof *c);
    for (int k = 0; k < n; k++) {
        double left = y[k] * exp(-home->rates[k] * wait);
        for (int i = 0; i < n; i++) c[i] += home->vectors[k * n + i] * left;
    }
    return 1;
}

static double binomials[DEGREE + 1][DEGREE + 1];

static double value_at(int degree, const double *f, double x)
{
    double value = f[degree];
    for (int k = degree - 1; k >= 0; k--) value = value * x + f[k];
    return value;
}

/* The first root in (low, high) of a polynomial from its Bernstein coefficients there, positive first; 2 if none. */
static double isolate(int degree, const double *f, const double *b, double low, double high, double limit, int depth)
{
    int changes = 0;
    for (int k = 1; k <= degree; k++) changes += (b[k - 1] < 0) != (b[k] < 0);
    if (!changes || low >= limit) return 2;
    if (changes == 1 || depth == 50) {
        double x = 0.5 * (low + high);
        for (int k = 0; k < 100 && high - low > 4 * EPS * high; k++) {
            double value = f[degree], slope = 0;
            for (int j = degree - 1; j >= 0; j--) slope = slope * x + value, value = value * x + f[j];
            if (value > 0) low = x;
            else high = x;
            double next = x - value / slope;
            if (!(slope < 0 && next > low && next < high)) next = 0.5 * (low + high);
            if (fabs(next - x) <= 2 * EPS * next) break;
            x = next;
        }
        return x;
    }
    double left[DEGREE + 1], right[DEGREE + 1], middle = 0.5 * (low + high);
    memcpy(right, b, (degree + 1) * sizeof *b);
    for (int k = 0; k <= degree; k++) {
        left[k] = right[0];
        for (int j = 0; j < degree - k; j++) right[j] = 0.5 * (right[j] + right[j + 1]);
    }
    double x = isolate(degree, f, left, low, middle, limit, depth + 1);
    return x < 2 ? x : isolate(degree, f, right, middle, high, limit, depth + 1);
}

/* The first x in (0, limit) at which f falls below zero, not counting a root of `order` at 0; 2 if there is none. */
static double first_fall(const double *f, double rounding, int order, double limit)
{
    double g[DEGREE + 1], b[DEGREE + 1], size = 0;
    int degree = DEGREE - order;
    memcpy(g, f + order, (degree + 1) * sizeof *g);
    for (int k = 0; k <= degree; k++) size += fabs(g[k]);
    double noise = order ? 0 : NOISE * size + rounding;
    if (g[0] + g[1] - (size - fabs(g[0]) - fabs(g[1])) > 0 && g[0] > 0) return 2; /* concave: least at an end */
    g[0] += noise;
    for (int k = 0; k <= degree; k++) {
        b[k] = 0;
        for (int j = 0; j <= k; j++) b[k] += binomials[k][j] / binomials[degree][j] * g[j];
    }
    if (b[0] <= 0) return order ? 2 : 0;
    double x = isolate(degree, g, b, 0, 1, limit, 0);
    if (x < 2 && !order) { /* back to where f itself vanishes */
        double value = value_at(DEGREE, f, x), slope = 0;
        for (int k = DEGREE; k > 0; k--) slope = slope * x + k * f[k];
        if (slope < 0 && fabs(value) < -slope * 1e-3 * x) x -= value / slope;
    }
    return x;
}

/* widths: of each layer after the input; columns, drive: see Net; starts and finals: m rows of n. */
long follow_deep(int layers, const int *widths, const double *columns, const double *drive, long m, const double *starts,
                 double t_end, long room, Event *events, double *finals)
{
    Net net = {layers, 0, 0, widths, columns, drive};
    for (int i = 0; i < layers; i++) net.n += widths[i];
    net.h = net.n - widths[layers - 1];
    int n = net.n, h = net.h;
    for (int i = 0; i <= DEGREE; i++)
        for (int j = 0; j <= i; j++) binomials[i][j] = j && j < i ? binomials[i - 1][j - 1] + binomials[i - 1][j] : 1;
    Home home = find_home(&net);
    double(*s)[n] = malloc((DEGREE + 2) * sizeof *s), (*r)[n] = malloc((DEGREE + 1) * sizeof *r);
    double(*g)[n] = calloc(DEGREE + 1, sizeof *g), *at = malloc(4 * n * sizeof *at);
    int *mode = calloc(4 * n, sizeof *mode), *fresh = mode + n, *rises = fresh + n;
    long count = 0;
    for (long k = 0; k < m && count >= 0; k++) {
        double *c = finals + k * n, t = 0;
        memcpy(c, starts + k * n, n * sizeof *c);
        for (int i = 0; i < h; i++) mode[i] = c[i] > 0 ? ACTIVE : INACTIVE, fresh[i] = 0;
        while (t < t_end && !go_home(&net, &home, mode, c, t_end - t, at)) {
            memcpy(s[0], c, n * sizeof *c);
            apply(&net, mode, s[0], drive, r[0], g[0]);
            field(&net, mode, r[0], g[0], s[1]);
            for (int j = 1; j <= DEGREE; j++) {
                apply(&net, mode, s[j], NULL, r[j], g[j]);
                field(&net, mode, r[j], g[j], s[j + 1]);
            }
            double size = 0;
            for (int i = 0; i < n; i++) size = fmax(size, fmax(fabs(c[i]), fabs(drive[i])));
            double rounding = EPS * size, last = sqrt(squares(n, s[DEGREE + 1])) + 1e-300;
            double step = fmin(t_end * (1 + 1e-12) - t, exp((log(rounding / last) + lgamma(DEGREE + 2)) / (DEGREE + 1)));
            double power = 1, first = 1;
            for (int j = 0; j <= DEGREE; j++, power *= step / j)
                for (int i = 0; i < n; i++) s[j][i] *= power, r[j][i] *= power, g[j][i] *= power;
            for (int i = 0; i < h; i++) {
                double f[DEGREE + 1];
                at[i] = 2;
                if (mode[i] != SLIDING) {
                    double sign = mode[i] == ACTIVE ? 1 : -1;
                    for (int j = 0; j <= DEGREE; j++) f[j] = sign * s[j][i];
                    at[i] = first_fall(f, 4 * rounding, fresh[i], first);
                } else {
                    for (int j = 0; j <= DEGREE; j++) f[j] = -r[j][i];
                    at[i] = first_fall(f, 4 * rounding, 0, first), rises[i] = 0;
                    for (int j = 0; j <= DEGREE; j++) f[j] = r[j][i] - g[j][i];
                    double up = first_fall(f, 4 * rounding, 0, fmin(first, at[i]));
                    if (up < at[i]) at[i] = up, rises[i] = 1;
                }
                first = fmin(first, at[i]);
            }
            int met = first < 1;
            if (t + first * step > t_end * (1 + 4 * EPS)) first = (t_end - t) / step, met = 0;
            for (int i = 0; i < n; i++) c[i] = s[DEGREE][i];
            for (int j = DEGREE - 1; j >= 0; j--)
                for (int i = 0; i < n; i++) c[i] = c[i] * first + s[j][i];
            t = fmin(t + first * step, t_end);
            if (met) {
                double late = first * (1 + 4 * EPS);
                for (int i = 0; i < h; i++)
                    if (at[i] <= late) c[i] = 0;
                apply(&net, mode, c, drive, r[0], g[0]);
                field(&net, mode, r[0], g[0], s[0]);
                double energy = 0.5 * squares(n, r[0]), before = squares(n, s[0]), after = before;
                long since = count;
                for (int i = 0; i < h; i++) {
                    fresh[i] = 0;
                    if (at[i] > late) continue;
                    double down = -r[0][i], up = down + pull(&net, r[0], i), speed[3] = {down, up, 0};
                    int now = settle(mode[i], down, up, rises[i]);
                    fresh[i] = now == SLIDING ? 0 : mode[i] == SLIDING ? 2 : 1;
                    if (now == mode[i]) continue;
                    after += speed[now] * speed[now] - s[0][i] * s[0][i];
                    Event event = {t, energy, -before / energy, 0, (int)k, i, mode[i], now};
                    if (!log_event(events, &count, room, event)) {
                        count = -1;
                        goto out;
                    }
                    mode[i] = now;
                }
                for (; since < count; since++) events[since].after_slope = -after / energy;
            } else
                memset(fresh, 0, h * sizeof *fresh);
        }
    }
out:
    free(s), free(r), free(g), free(at), free(mode);
    free(home.rest), free(home.rates), free(home.vectors), free(home.mode);
    return count;
}
