/* Plain gradient descent for [13(tanh)15(tanh)15(lin)1] and half the mean square error, batch after batch in the order of
   the data, as one would write it in C: sample by sample, sizes known when compiled (REAL, TANH, BATCH). */
#include <math.h>
#include <string.h>

#define I 13
#define H 15

struct parameters {
    REAL W1[H][I], b1[H], W2[H][H], b2[H], W3[H], b3;
};

static struct parameters p, g;

static void add_gradient(const REAL *x, REAL y) {
    REAL a1[H], a2[H], d1[H], d2[H], z = p.b3;
    for (int o = 0; o < H; o++) {
        REAL t = p.b1[o];
        for (int i = 0; i < I; i++) t += p.W1[o][i] * x[i];
        a1[o] = t;
    }
    for (int o = 0; o < H; o++) a1[o] = TANH(a1[o]);
    for (int o = 0; o < H; o++) {
        REAL t = p.b2[o];
        for (int i = 0; i < H; i++) t += p.W2[o][i] * a1[i];
        a2[o] = t;
    }
    for (int o = 0; o < H; o++) a2[o] = TANH(a2[o]);
    for (int i = 0; i < H; i++) z += p.W3[i] * a2[i];
    REAL d = (z - y) / BATCH;
    g.b3 += d;
    for (int i = 0; i < H; i++) {
        g.W3[i] += d * a2[i];
        d2[i] = d * p.W3[i] * (1 - a2[i] * a2[i]);
        d1[i] = 0;
    }
    for (int o = 0; o < H; o++) {
        g.b2[o] += d2[o];
        for (int i = 0; i < H; i++) {
            g.W2[o][i] += d2[o] * a1[i];
            d1[i] += d2[o] * p.W2[o][i];
        }
    }
    for (int o = 0; o < H; o++) {
        d1[o] *= 1 - a1[o] * a1[o];
        g.b1[o] += d1[o];
        for (int i = 0; i < I; i++) g.W1[o][i] += d1[o] * x[i];
    }
}

void train(REAL *theta, const REAL *x, const REAL *y, long batches, long steps, REAL eta) {
    memcpy(&p, theta, sizeof p);
    for (long n = 0; n < steps; n++) {
        long first = n % batches * BATCH;
        memset(&g, 0, sizeof g);
        for (long s = first; s < first + BATCH; s++) add_gradient(x + s * I, y[s]);
        for (long i = 0; i < (long)(sizeof p / sizeof(REAL)); i++) ((REAL *)&p)[i] -= eta * ((REAL *)&g)[i];
    }
    memcpy(theta, &p, sizeof p);
}
